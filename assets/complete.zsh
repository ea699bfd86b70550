#compdef lightsout
# zsh completion for lightsout: eval "$(lightsout generate completions zsh)" behind compinit, or a file _lightsout
# in a directory of $fpath.
_lightsout() {
    local -a found onward
    found=(${(f)"$(lightsout complete zsh -- "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)"})
    onward=(${(M)found:#*/})
    found=(${found:#*/})
    (( $#onward )) && compadd -S '' -- $onward
    (( $#found )) && _describe lightsout found
}
if [[ ${funcstack[1]} == _lightsout ]]; then
    _lightsout "$@"
else
    compdef _lightsout lightsout
fi
