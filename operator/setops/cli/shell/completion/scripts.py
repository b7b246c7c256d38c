"""The completion scripts of bash, zsh and fish, which only pass on what `answer` says.

bash splits words at colons (COMP_WORDBREAKS), so its script takes the words from the line and
returns only what follows the last colon.
"""

from __future__ import annotations

from typing import Final

from setops.cli.base.call import Call
from setops.cli.base.terminal import echo

_BASH: Final = r"""
# Completion of setops for bash: source this, or put it in bash_completion's directory.
_setops() {
    local line="${COMP_LINE:0:COMP_POINT}" words=() word value description head IFS=$' \t\n'
    read -ra words <<< "$line"
    [[ "$line" == *[[:space:]] ]] && words+=("")
    word="${words[${#words[@]}-1]}"
    # What bash takes for the current word may be only the end of ours.
    head=""
    if [[ "$word" == *[:=]* && "$COMP_WORDBREAKS" == *[:=]* ]]; then
        head="${word%"${word##*[:=]}"}"
    fi
    COMPREPLY=()
    compopt -o nospace 2> /dev/null
    while IFS=$'\t' read -r value description; do
        case "$value" in
            :files) compopt +o nospace -o filenames 2> /dev/null
                    COMPREPLY+=($(compgen -f -- "${word#"$head"}")) ;;
            *) value="${value#"$head"}"
               [[ "$value" == *[:=/] ]] || value="$value "
               COMPREPLY+=("$value") ;;
        esac
    done < <(setops __complete "${words[@]:1}" 2> /dev/null)
}
complete -F _setops setops
"""

_ZSH: Final = r"""
#compdef setops
# Completion of setops for zsh: put it as _setops in a directory of $fpath.
_setops() {
    local -a values
    local value description
    while IFS=$'\t' read -r value description; do
        if [[ "$value" == ":files" ]]; then
            _files
            continue
        fi
        values+=("${value//:/\\:}:${description}")
    done < <(setops __complete "${(@)words[2,CURRENT]}" 2> /dev/null)
    (( ${#values} )) && _describe -V setops values
}
if [ "$funcstack[1]" = "_setops" ]; then _setops "$@"; else compdef _setops setops; fi
"""

_FISH: Final = r"""
# Completion of setops for fish: put it in ~/.config/fish/completions/setops.fish.
function __setops_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (setops __complete $words[2..-1] 2> /dev/null)
        set -l parts (string split -m 1 \t -- $line)
        if test "$parts[1]" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c setops -f -k -a '(__setops_complete)'
"""

SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def run(call: Call) -> int:
    """Write the completion script of a shell."""
    echo(SCRIPTS[call.arguments[0]].strip("\n"))
    return 0
