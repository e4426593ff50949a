#!/bin/sh
# Prints each line of a command's output behind a blank, what it says on stderr behind `error`, and ends as it did.
# What the shell itself has to say of it, such as `Segmentation fault`, counts as said by the command.
exec 4>&1
said=$({ { "$@" 3>&- 4>&-; echo "exit $?" >&3; } 2>&3 | sed "s/^/ /" >&4; } 3>&1)
errors=${said%exit *}
[ -z "$errors" ] || { echo; echo "$errors" | sed -n "/./{1,20s/^/error /p;}"; }
exit "${said##*exit }"
