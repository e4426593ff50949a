#!/bin/sh
# Directories that hold a release of FairSoft, FairRoot, ROOT or MpdRoot below the configured roots, and the
# version files in them. Nothing is run: a broken installation may hang. Network mounts below a root are left
# alone unless they are themselves configured as a root.
newline='
'
remote=$newline
while read -r _ point type _; do
    case $type in nfs* | cifs | smb* | fuse* | afs | lustre | gpfs | ceph | 9p | autofs) ;; *) continue ;; esac
    case $point in *\\*) point=$(printf '%b' "$point") ;; esac
    remote=$remote$point$newline
done <"${root-}/proc/mounts"
IFS=$newline
# Whether looking at a path is safe: it is no network mount, or one that was asked for.
safe() {
    case $remote in *"$newline${1#"${root-}"}$newline"*) [ "$1" = "${root-}$top" ] ;; esac
}
set --
for top in ${roots-}; do
    while :; do case $top in */) top=${top%/} ;; *) break ;; esac done
    for place in "${root-}$top" "${root-}$top"/*; do
        case ${place##*/} in
        [Ff]air[Ss]oft | [Ff]air[Rr]oot | [Mm]pd[Rr]oot | root | ROOT) ;;
        [Mm]pd[Rr]oot*) ;;
        *) continue ;;
        esac
        for shelf in "$place" "$place/mpd" "$place/bmn"; do
            safe "$shelf" || continue
            for release in "$shelf" "$shelf"/*; do
                # A newline in a name would be a line of its own.
                case $release in *"$IFS"*) continue ;; esac
                { safe "$release" && [ -d "$release" ]; } || continue
                printf 'release %s\n' "$release"
                for base in "$release" "$release/install"; do
                    safe "$base" || continue
                    for file in include/root/RVersion.h include/RVersion.h bin/fairroot-config bin/fairsoft-config; do
                        [ -f "$base/$file" ] && set -- "$@" "$base/$file"
                    done
                done
            done
        done
    done
done
[ $# -eq 0 ] && exit 0
grep -HsE 'define +ROOT_RELEASE |(^|[^0-9a-zA-Z.])v-?[0-9]+\.[0-9]|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[0-9][0-9]' "$@" || :
