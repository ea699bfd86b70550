# bash completion for lightsout: eval "$(lightsout generate completions bash)", or a file in
# /usr/share/bash-completion/completions.
_lightsout() {
    mapfile -t COMPREPLY < <(
        lightsout complete bash --breaks="$COMP_WORDBREAKS" -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null
    )
    # A directory goes on.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _lightsout lightsout
