# fish completion for lightsout: lightsout generate completions fish | source, or a file
# ~/.config/fish/completions/lightsout.fish.
complete -c lightsout -f -a '(lightsout complete fish -- (commandline -cp | string collect) 2>/dev/null)'
