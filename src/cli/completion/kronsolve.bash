# bash completion of kronsolve, which is asked what fits.

_kronsolve() {
  local IFS=$' \t\n' typed=${COMP_LINE:0:COMP_POINT} word line path
  local -a words lines
  read -ra words <<< "$typed"
  [[ $typed == *[[:space:]] ]] && words+=("")
  word=${words[-1]}
  mapfile -t lines < <("${words[0]/#\~\//$HOME/}" complete "${words[@]:1}" 2> /dev/null)
  COMPREPLY=()
  for line in "${lines[@]}"; do
    case $line in
      :files*)
        compopt -o filenames
        while IFS= read -r path; do COMPREPLY+=("$path"); done < <(
          compgen -f -X "!*${line#:files }" -- "$word"
          compgen -d -- "$word"
        )
        ;;
      :folders)
        compopt -o filenames
        while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen -d -- "$word")
        ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done
  # bash ends words at these as well, and replaces only what stands behind.
  local before=${word%"${word##*[=:]}"}
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]]; then compopt -o nospace; fi
}
complete -F _kronsolve kronsolve
