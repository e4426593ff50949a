#!/bin/sh
# trusted FILE…: whether only root, system accounts and this account may write these files and the folders above them,
# up to $top. What anybody else may write is not run. A link counts as what it leads to; a file that is missing is none.
trusted() {
    least='' checked=$newline
    while read -r word value _; do
        [ "$word" != UID_MIN ] || least=$value
    done <"$top/etc/login.defs"
    for file; do
        [ -e "$file" ] || continue
        file=$(readlink -f "$file")
        while [ -n "$file" ] && [ "$file" != "$top" ]; do
            case $checked in *"$newline$file$newline"*) break ;; esac
            checked=$checked$file$newline
            file=${file%/*}
        done
    done
    (
        set -f
        IFS=$newline
        # shellcheck disable=SC2086
        set -- $checked
        # The group 100 is that of all users on some systems, and behind an access list (+) may be anybody.
        # shellcheck disable=SC2012
        ls -ldnL "$@" | awk -v number=$# -v own="$(id -u)" -v least="$least" '
            function strange(id) { return id >= (least ~ /^[0-9]+$/ ? least + 0 : 500) && id != own + 0 }
            substr($1, 6, 1) == "w" && (strange($4 + 0) || $4 == 100 || $1 ~ /\+$/) { bad = 1 }
            substr($1, 9, 1) == "w" || strange($3 + 0) { bad = 1 }
            END { exit (bad || NR < number) }'
    )
}
newline='
'
# In a test, the root of its tree.
top=$1
[ -z "$top" ] || top=$(readlink -f "$top")
