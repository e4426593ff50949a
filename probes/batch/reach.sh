# shellcheck shell=sh
# Behind trust.sh: prints the first folder that has a program, `refused FOLDER` before it for one that others may write.
#
#   reach.sh TOP FOLDERS PROGRAM…      the first program must be there, the others belong to it
exec 2>/dev/null
folders=$2
shift 2
for place in $folders; do
    [ -x "$place/$1" ] || continue
    place=$(readlink -f "$place")
    (
        for program; do
            shift
            set -- "$@" "$place/$program"
        done
        trusted "$place" "${place%/*}/lib" "$@"
    ) && echo "$place" && exit
    echo "refused $place"
done
