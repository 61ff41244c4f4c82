#!/usr/bin/env python3
"""Writes what Doxygen has read of the public headers as pages of the site: one for each header, one for each layer.

usage: cpp_pages.py XML_DIR OUTPUT_DIR
"""

import html
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

LAYERS = {
    "session": "Where solves run: the one object that a program begins with.",
    "measure": "What is read off states and spectra.",
    "solvers": "Eigenpairs, singular values, evolutions, linear systems.",
    "operators": "What operators, bases, states and vectors are.",
    "exec": "Pools of workers and their tasks.",
    "core": "Errors, communicators, rows, files.",
}
COMPOUNDS = ("class", "struct")


def inline(node: ET.Element | None, links: dict[str, str]) -> str:
    """A piece of Doxygen's text as HTML, on one line where Doxygen has it so."""
    if node is None:
        return ""
    inner = html.escape(node.text or "") + "".join(inline(child, links) + html.escape(child.tail or "") for child in node)
    items = " ".join(f"<li>{inline(item, links)}</li>" for item in node.findall("listitem"))
    match node.tag:
        case "ref":
            target = links.get(node.get("refid", ""))
            return f'<a href="{target}">{inner}</a>' if target else inner
        case "computeroutput":
            return f"<code>{inner}</code>"
        case "emphasis" | "bold":
            return f"<{node.tag[0]}>{inner}</{node.tag[0]}>"
        case "itemizedlist":
            return f"<ul>{items}</ul>"
        case "orderedlist":
            return f"<ol>{items}</ol>"
        case "programlisting":
            lines = ["".join(code.itertext()) if code.find(".//sp") is None else spaced(code) for code in node.findall("codeline")]
            return "<pre>" + html.escape("\n".join(lines)) + "</pre>"
        case "table":
            return "<table>" + "".join(f"<tr>{inline(row, links)}</tr>" for row in node.findall("row")) + "</table>"
        case "entry":
            cell = "th" if node.get("thead") == "yes" else "td"
            return f"<{cell}>{inner}</{cell}>"
        case "parameterlist":
            return labelled(node, links)
        case "simplesect":
            label = {"return": "Returns ", "pre": "Before: "}.get(node.get("kind", ""), "")
            return "".join(f"<p>{label if i == 0 else ''}{inline(p, links)}</p>" for i, p in enumerate(node.findall("para")))
        case "sp":
            return " "
        case "mdash":
            return "—"
        case "ndash":
            return "–"
    return inner


def spaced(code: ET.Element) -> str:
    return "".join((" " if node.tag == "sp" else node.text or "") + (node.tail or "") if node is not code else node.text or ""
                   for node in code.iter()).rstrip("\n")


def labelled(node: ET.Element, links: dict[str, str]) -> str:
    """Parameters, or exceptions: the name, and what is said of it."""
    rows = ""
    for item in node.findall("parameteritem"):
        name = ", ".join(inline(n, links) for n in item.findall("parameternamelist/parametername"))
        rows += f"<dt><code>{name}</code></dt><dd>{inline(item.find('parameterdescription'), links)}</dd>"
    title = "Throws" if node.get("kind") == "exception" else "Parameters"
    return f'<dl class="api-list"><dt class="api-title">{title}</dt>{rows}</dl>'


def text_of(node: ET.Element, links: dict[str, str]) -> str:
    """What is said of an entity: paragraphs, with lists and parameters between them."""
    parts = []
    for kind in ("briefdescription", "detaileddescription"):
        for para in node.findall(f"{kind}/para"):
            parts.append(f"<div class=\"api-text\">{inline(para, links)}</div>")
    return "".join(parts)


def template_of(node: ET.Element, links: dict[str, str]) -> str:
    params = node.find("templateparamlist")
    if params is None:
        return ""
    names = [(inline(p.find("type"), links) + " " + (p.findtext("declname") or "")).strip() for p in params.findall("param")]
    requires = node.find("requiresclause")
    condition = f"\nrequires {inline(requires, links)}" if requires is not None else ""
    return f"template &lt;{', '.join(names)}&gt;{condition}\n"


def arguments_of(node: ET.Element, links: dict[str, str]) -> str:
    """(a, b) as declared, one a line where the line would be long."""
    listed = []
    for param in node.findall("param"):
        default = param.find("defval")
        text = f"{inline(param.find('type'), links)} {param.findtext('declname') or ''}{param.findtext('array') or ''}".strip()
        listed.append(text + (f" = {inline(default, links)}" if default is not None else ""))
    tail = (node.findtext("argsstring") or "").rpartition(")")[2]
    if len(node.findtext("definition") or "") + len(node.findtext("argsstring") or "") > 90 and len(listed) > 1:
        return "(\n    " + ",\n    ".join(listed) + ")" + html.escape(tail)
    return "(" + ", ".join(listed) + ")" + html.escape(tail)


def as_written(code: str) -> str:
    """Doxygen's `vector< double > &` as people write it."""
    return re.sub(r"&lt; (?!\d)", "&lt;", code.replace(" &gt;", "&gt;").replace(" &amp;", "&amp;").replace(" *", "*"))


def declaration(node: ET.Element, links: dict[str, str]) -> str:
    name = html.escape(node.findtext("name") or "")
    begin = template_of(node, links) + ("static " if node.get("static") == "yes" else "")
    begin += "explicit " if node.get("explicit") == "yes" else ""
    begin += "virtual " if node.get("virt") in ("virtual", "pure-virtual") else ""
    kind, type_text = node.get("kind"), inline(node.find("type"), links)
    if kind == "function" or kind == "friend" and node.findtext("argsstring"):
        return f"{begin}{type_text + ' ' if type_text else ''}<b>{name}</b>{arguments_of(node, links)}"
    if kind == "typedef":
        value = type_text if not type_text.startswith("typedef") else type_text[8:]
        return f"{begin}using <b>{name}</b> = {value}"
    if kind == "enum":
        values = ", ".join(html.escape(v.findtext("name") or "") for v in node.findall("enumvalue"))
        return f"enum class <b>{name}</b> {{ {values} }}"
    return f"{begin}{type_text} <b>{name}</b> {inline(node.find('initializer'), links)}".rstrip()


def member(node: ET.Element, links: dict[str, str]) -> str:
    values = "".join(f"<dt><code>{v.findtext('name')}</code></dt><dd>{text_of(v, links)}</dd>"
                     for v in node.findall("enumvalue") if text_of(v, links))
    values = f'<dl class="api-list">{values}</dl>' if values else ""
    return (f'<dt class="api-declaration" id="{node.get("id")}"><pre>{as_written(declaration(node, links))}</pre></dt>'
            f"<dd>{text_of(node, links)}{values}</dd>")


def is_shown(member: ET.Element) -> bool:
    """Destructors, and what is deleted or defaulted, only where there is something to say."""
    tail = (member.findtext("argsstring") or "").rpartition(")")[2]
    plain = (member.findtext("name") or "").startswith("~") or "=delete" in tail or "=default" in tail
    return not plain or bool(text_of(member, {}))


def members_of(compound: ET.Element) -> list[ET.Element]:
    found = [m for s in compound.findall("sectiondef") for m in s.findall("memberdef") if m.get("prot") != "private" and is_shown(m)]
    return sorted(found, key=lambda m: int(m.find("location").get("line")))


def entity(node: ET.Element, links: dict[str, str]) -> str:
    """A class with its members, or a function and the like by itself."""
    if node.tag == "memberdef":
        return f"<dl>{member(node, links)}</dl>"
    kind, name = node.get("kind"), (node.findtext("compoundname") or "").replace("kronsolve::", "")
    bases = ", ".join(inline(b, links) or html.escape(b.text or "") for b in node.findall("basecompoundref"))
    head = f"{kind} <b>{html.escape(name)}</b>{' : ' + bases if bases else ''}"
    if kind == "concept":
        head = inline(node.find("initializer"), links)
    listed = "".join(member(m, links) for m in members_of(node))
    return (f'<dl><dt class="api-declaration" id="{node.get("id")}"><pre>{as_written(template_of(node, links) + head)}</pre></dt>'
            f"<dd>{text_of(node, links)}{'<dl>' + listed + '</dl>' if listed else ''}</dd></dl>")


def read(folder: pathlib.Path) -> dict[str, list[ET.Element]]:
    """Entities of each header, in the order in which they stand there."""
    headers: dict[str, list[ET.Element]] = {}
    for path in sorted(folder.glob("*.xml")):
        for compound in ET.parse(path).getroot().findall("compounddef"):
            if compound.get("kind") == "namespace":
                entities = members_of(compound)
            elif compound.get("kind") in (*COMPOUNDS, "concept") and compound.get("prot", "public") != "private":
                entities = [compound]
            else:
                continue
            for one in entities:
                headers.setdefault(one.find("location").get("file"), []).append(one)
    for entities in headers.values():  # overloads together, where the first of them stands
        entities.sort(key=lambda e: int(e.find("location").get("line")))
        first = {name_of(e): i for i, e in reversed(list(enumerate(entities)))}
        entities.sort(key=lambda e: first[name_of(e)])
    return headers


def name_of(node: ET.Element) -> str:
    name = (node.findtext("compoundname") or node.findtext("qualifiedname") or node.findtext("name") or "").replace("kronsolve::", "")
    return name.split("<")[0].strip() if not name.startswith("operator") else name


def layer_of(header: str) -> str:
    parts = pathlib.PurePosixPath(header).parts
    return parts[1] if len(parts) > 2 else "session" if parts[1] == "session.hpp" else "operators"


def page_name(header: str) -> str:
    return f"{layer_of(header)}-{pathlib.PurePosixPath(header).stem}"


def page(header: str, entities: list[ET.Element], links: dict[str, str]) -> str:
    # Beside the tree of contents, which would be written into each of some hundred pages; the page of the layer links to it.
    text = f"---\norphan: true\n---\n\n# {header.removeprefix('kronsolve/')}\n\n"
    text, last = text + f"`#include <{header}>`, of [{layer_of(header)}]({layer_of(header)}.md)\n", None
    for one in entities:
        name = name_of(one)
        if name != last:
            text += f"\n## {html.escape(name)}\n"
        last = name
        text += "\n``````{raw} html\n<div class=\"api\">" + entity(one, links) + "</div>\n``````\n"
    return text


def main() -> int:
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    headers = read(pathlib.Path(sys.argv[1]))
    if not headers:
        print(f"cpp_pages: Doxygen has left nothing in {sys.argv[1]}", file=sys.stderr)
        return 1
    links = {}
    for header, entities in headers.items():
        for one in entities:
            for node in [one, *(members_of(one) if one.tag == "compounddef" else [])]:
                links[node.get("id")] = f"{page_name(header)}.html#{node.get('id')}"
    for header, entities in headers.items():
        (out / f"{page_name(header)}.md").write_text(page(header, entities, links), encoding="utf-8")
    for layer, says in LAYERS.items():
        mine = sorted(h for h in headers if layer_of(h) == layer)
        rows = "".join(f"| [{h.removeprefix('kronsolve/')}]({page_name(h)}.md) | {', '.join(dict.fromkeys(f'`{name_of(e)}`' for e in headers[h]))} |\n"
                       for h in mine)
        (out / f"{layer}.md").write_text(f"# {layer}\n\n{says}\n\n| header | what it has |\n| --- | --- |\n{rows}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
