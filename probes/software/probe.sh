#!/bin/sh
# Where the experiment's software is, by the names of folders and the texts of version files; modulefiles, drivers,
# packages of the distribution; and what login shells are told to use. No program of the software is run: a broken
# installation may hang. What lies on a network mount, or behind a link that leads to one, is looked at by a guarded
# child, one root or place at a time. Forks: grep, awk or rpm, and one for each link.
newline='
'
root=${root-} remote=$newline
while read -r _ point type _; do
    may_hang "$type" || continue
    decode "$point"
    # shellcheck disable=SC2154
    remote=$remote$path$newline
done <"$root/proc/mounts" || exit 1
IFS=$newline
lines='ROOT_RELEASE |ROOT_VERSION_(MAJOR|MINOR|PATCH) |G4VERSION_TAG |XrdVERSION |^_?version='
lines="$lines|(^|[^0-9a-zA-Z.])v-?[0-9]+\\.[0-9]|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[0-9][0-9]"
lines="$lines|ModulesVersion |module[-_]version|^NVRM|^[0-9]+\\.?[0-9]|module +(load|add) "
lines="$lines|(SIMPATH|ROOTSYS|FAIRROOTPATH|VMCWORKDIR|G4INSTALL)="
lines="$lines|/(thisroot|geant4|FairRootConfig|SetEnv|config|env)\\.sh"
export root newline lines

# A text, because a guarded child does the same. No apostrophe may stand in it.
# shellcheck disable=SC2016
walk='
# In mksh printf is a program.
say() {
    if [ -n "${KSH_VERSION-}" ]; then print -r -- "$1"; else printf "%s\n" "$1"; fi
}
# Takes the links out of a path without a look at a network mount: there it fails.
resolve() {
    todo=$1 real=
    while [ -n "$todo" ]; do
        part=${todo%%/*}
        case $todo in */*) todo=${todo#*/} ;; *) todo= ;; esac
        case $part in "" | .) continue ;; ..) real=${real%/*} && continue ;; esac
        case $remote in *"$newline$real/$part$newline"*) return 1 ;; esac
        real=$real/$part
        [ -h "$root$real" ] || continue
        links=$links.
        [ ${#links} -lt 40 ] && link=$(readlink "$root$real") || return 1
        todo=$link/$todo
        case $link in /*) real= ;; *) real=${real%/*} ;; esac
    done
}
# Leaves the item at hand to a guarded child.
leave() {
    case $far in *"$newline$item$newline"*) ;; *) far=$far$item$newline ;; esac
}
# Whether a path is not on a network mount, where its folder is not.
near() {
    case $remote in *"$newline${1#"$root"}$newline"*) return 1 ;; esac
    [ ! -h "$1" ] || resolve "${1#"$root"}"
}
look() {
    near "$1" && return
    leave
    return 1
}
# Whether a name that was looked at is a link to another one in its folder: latest -> jan24p5.
alias_of() {
    [ -h "$1" ] || return
    case $link in */*) return 1 ;; esac
    say "link $1"
    say "to ${1%/*}/$link"
}
# Whether a folder can be read, said as well.
state() {
    [ -d "$1" ] || { say "root $1 missing" && return 1; }
    { [ -r "$1" ] && [ -x "$1" ]; } || { say "root $1 denied" && return 1; }
    say "root $1 ok"
}
named() {
    case $1 in
    *[a-z].[a-z]*) return 1 ;; # a server such as fairsoft.gsi.de
    [Ff]air[Ss]oft* | [Ff]air[Rr]oot* | [Mm]pd[Rr]oot* | [Bb]mn[Rr]oot* | [Gg]eant4* | GEANT4*) ;;
    root | ROOT | root[-_0-9]* | ROOT[-_0-9]*) ;;
    *) return 1 ;;
    esac
}
add() {
    look "$1" && [ -f "$1" ] && files=$files$1$newline
}
# The version files of an installation.
inspect() {
    look "$1" && [ -d "$1" ] || return
    if look "$1/bin" && [ -d "$1/bin" ]; then
        for file in fairroot fairsoft geant4; do add "$1/bin/$file-config"; done
    fi
    look "$1/include" && [ -d "$1/include" ] || return
    add "$1/include/RVersion.h"
    for file in root/RVersion.h ROOT/RVersion.hxx Geant4/G4Version.hh xrootd/XrdVersion.hh; do
        look "$1/include/${file%/*}" && add "$1/include/$file"
    done
    look "$1/include/root" && look "$1/include/root/ROOT" && add "$1/include/root/ROOT/RVersion.hxx"
}
# The releases in a place such as /opt/fairsoft, and in its folders mpd and bmn.
stock() {
    for shelf in "$1" "$1/mpd" "$1/bmn"; do
        look "$shelf" && [ -d "$shelf" ] || continue
        for release in "$shelf" "$shelf"/*; do
            # A newline in a name would be a line of its own.
            case $release in *"$newline"*) continue ;; esac
            look "$release" || continue
            [ "$release" != "$shelf" ] && alias_of "$release" && continue
            [ -d "$release" ] || continue
            say "release $release"
            inspect "$release"
            inspect "$release/install"
        done
    done
}
# The modulefiles of a folder: package/version.
shelve() {
    for kit in "$1"/*; do
        case ${kit##*/} in
        [Mm]pddev* | [Gg]eant4 | [Xx][Rr]oot[Dd] | [Gg][Cc][Cc]* | [Pp]ython* | [Oo]pen[Mm][Pp][Ii] | [Aa]pptainer) ;;
        [Ss]ingularity*) ;;
        *) named "${kit##*/}" || continue ;;
        esac
        look "$kit" && [ -d "$kit" ] || continue
        for file in "$kit"/*; do
            case $file in *"$newline"* | *"/*") continue ;; esac
            look "$file" || continue
            alias_of "$file" || say "module $file"
        done
        for file in .version .modulerc .modulerc.lua; do add "$kit/$file"; done
    done
}
# Those of /etc/modulefiles, or of Modules/modulefiles and MODULES/ARCHITECTURE as aliBuild makes them.
modules() {
    case ${1##*/} in
    Modules) look "$1/modulefiles" && shelve "$1/modulefiles" ;;
    MODULES) for arch in "$1"/*; do look "$arch" && shelve "$arch"; done ;;
    *) shelve "$1" ;;
    esac
}
# A folder and those in it, known by their names.
scan() {
    for place in "$1" "$1"/*; do
        case $place in *"$newline"*) continue ;; esac
        if named "${place##*/}"; then
            item="place $place"
            look "$place" || continue
            [ "$place" != "$1" ] && [ -h "$place" ] && named "$link" && alias_of "$place" && continue
            stock "$place"
        elif [ "$place" = "$1" ] || { [ ! -h "$place" ] && near "$place"; }; then
            for folder in modulefiles Modules MODULES; do
                item="modules $place/$folder"
                look "$place/$folder" && [ -d "$place/$folder" ] && modules "$place/$folder"
            done
        fi
    done
}
'
# shellcheck disable=SC2016
child='
exec 2>/dev/null
IFS=$newline remote=$newline far=$newline files= links= item=
state "$2" || exit 0
case $1 in
modules) modules "$2" ;;
place) stock "$2" ;;
root)
    scan "$2"
    # On CVMFS the software is one folder further down: centos7/fairsoft.
    named "${2##*/}" || for sub in "$2"/*; do named "${sub##*/}" || scan "$sub"; done
    ;;
esac
set -f
[ -z "$files" ] || exec grep -HsE "$lines" $files
exit 0
'
# shellcheck disable=SC2034
far=$newline files='' links=''
eval "$walk"

set -f
# shellcheck disable=SC2086
set -- ${roots-}
set +f
for top; do
    while :; do case $top in */) top=${top%/} ;; *) break ;; esac done
    item="root $root$top"
    if resolve "$top"; then state "$root$top" && scan "$root$top"; else leave; fi
done
set -- /etc/modulefiles /usr/share/modulefiles /usr/share/Modules/modulefiles
for file in usr/share/Modules/init/.modulespath etc/environment-modules/modulespath etc/lmod/modulespath; do
    { near "$root/$file" && [ -f "$root/$file" ]; } || continue
    while read -r line; do
        case $line in "$1" | "$2" | "$3") ;; /*) set -- "$@" "${line%%[ 	#]*}" ;; esac
    done <"$root/$file"
done
for folder; do
    item="modules $root$folder"
    if ! resolve "$folder"; then
        leave
    elif [ -d "$root$folder" ]; then
        state "$root$folder" && modules "$root$folder"
    fi
done

cd "$root/etc" 2>/dev/null && for file in environment profile profile.d/*.sh bashrc bash.bashrc; do
    near "$root/etc/$file" && [ -f "$file" ] && files=$files$root/etc/$file$newline
done
for file in nvidia lustre zfs mlx4_core mlx5_core beegfs; do
    [ -r "$root/sys/module/$file/version" ] && files=$files$root/sys/module/$file/version$newline
done
[ -r "$root/proc/driver/nvidia/version" ] && files=$files$root/proc/driver/nvidia/version$newline

set -f
# shellcheck disable=SC2086
[ -n "$files" ] && grep -HsE "$lines" $files
lost=''
for item in $far; do
    # A dead server has many mounts, and each costs the time of one.
    [ ${#lost} -ge 3 ] && say "root ${item#* } skipped" && continue
    set +f
    start_guarded "software ${item#* }" sh -c "$walk$child" sh "${item%% *}" "${item#* }" && { wait_guarded 5 || lost=$lost.; }
done

IFS=' '
if [ -f "$root/var/lib/dpkg/status" ]; then
    names='xrootd.*|cmsd|gridengine-.*|sge.*|slurm.*|htcondor|condor|cvmfs|eos-.*|munge|openmpi-bin|gcc|python3'
    names="$names|singularity.*|apptainer|root-system.*|nvidia-driver.*|lustre-client.*|zfsutils-linux|beegfs-client"
    awk -v names="^($names)\$" '/^Package: / { name = $2 } /^Status: / { status = $4 }
        /^Version: / && status == "installed" && name ~ names { print "dpkg", name, $2 }' "$root/var/lib/dpkg/status"
    say "base /var/lib/dpkg $?"
elif [ -d "$root/var/lib/rpm" ] && command -v rpm >/dev/null; then
    # By their names: rpm -qa reads every header. A lock of the database may hold it up for ever.
    limit='timeout -s KILL 5'
    command -v timeout >/dev/null || limit=''
    { $limit rpm -q --qf 'rpm %{NAME} %{VERSION}-%{RELEASE}\n' rpm xrootd xrootd-client xrootd-libs xrootd-server \
        sge sge-execd gridengine gridengine-execd gridengine-qmaster slurm slurm-slurmd slurm-slurmctld \
        cvmfs eos-client eos-fuse eos-fusex eos-xrootd htcondor condor root root-core munge openmpi gcc python python3 \
        singularity singularity-ce apptainer nvidia-driver kmod-nvidia lustre-client zfs beegfs-client; } 2>/dev/null
    say "base /var/lib/rpm $?"
fi
echo end
