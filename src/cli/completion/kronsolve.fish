# fish completion of kronsolve, which is asked what fits.

function __kronsolve_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in ($words[1] complete $words[2..-1] "$word" 2> /dev/null)
        switch $line
            case ':files*'
                __fish_complete_suffix "$word" (string replace ':files ' '' -- $line)
            case ':folders'
                __fish_complete_directories "$word"
            case '*'
                echo $line
        end
    end
end
complete -c kronsolve -f -a '(__kronsolve_complete)'
