# shellcheck shell=sh
# Behind trust.sh: prints the settings of the first installation of Grid Engine whose cell names a master, as a login
# would have them, and `refused FOLDER` for one that others may write: its settings.sh and its programs are not run.
#
#   search.sh TOP                      TOP is the root of a test's tree
#
# It looks at disks that may be a dead server's, so it runs guarded, and the surest places come first: the login's own,
# those of running daemons, those that profiles name, and last the usual ones.
exec 2>/dev/null
names="SGE_ROOT SGE_CELL SGE_CLUSTER_NAME SGE_QMASTER_PORT SGE_EXECD_PORT LD_LIBRARY_PATH PATH"
refuse() { echo "refused $1" && exit 1; }
# settle HOW FOLDER
settle() {
    base=$(readlink -f "$2") || return
    for common in "$base/${SGE_CELL:-default}/common" "$base"/*/common; do
        master=
        [ -f "$common/act_qmaster" ] && read -r master <"$common/act_qmaster"
        [ -n "$master" ] || continue
        # What the account's own login names, it names on purpose.
        [ "$1" = given ] || trusted "$base"/bin "$base"/bin/* "$base"/bin/*/q[hs]* "$base"/lib "$base"/lib/* \
            "$base"/util "$base"/util/arch* "$base"/*/common "$base"/*/common/settings.sh || refuse "$2"
        SGE_ROOT=$base SGE_CELL=${common%/common} PATH=$base/bin/$("$base/util/arch"):$PATH
        SGE_CELL=${SGE_CELL##*/}
        # shellcheck disable=SC1091
        [ ! -r "$common/settings.sh" ] || . "$common/settings.sh" >/dev/null
        command -v qhost >/dev/null || return
        for name in $names; do eval "[ -z \"\${$name-}\" ] || echo \"$name=\$$name\""; done
        exit 0
    done
    return 1
}
given() { echo "${SGE_ROOT-}"; }
# Any user may name a process so.
running() {
    # shellcheck disable=SC2013,SC2154
    for stat in $(grep -lsE "^[0-9]+ \(sge_(qmaster|execd)\) " "$top"/proc/[0-9]*/stat); do
        tr "\000" "\n" <"${stat%stat}cmdline" | sed -n "1s,/bin/[^/]*/sge_[a-z]*$,,p"
    done
}
written() {
    in="[-_[:alnum:]./]" out="[^-_[:alnum:]./]"
    sed -n "s,^.*$out\(/$in*\)/[^/]*/common/settings\.sh.*$,\1,p; s,^.*SGE_ROOT=$out*\(/$in*\).*$,\1,p" \
        "$top"/etc/profile.d/*sge*.sh "$top"/etc/profile.d/*gridengine*.sh "$top"/etc/default/gridengine
}
usual() {
    # shellcheck disable=SC2012
    cd "$top/" && ls -d opt/sge* opt/gridengine opt/ogs* opt/uge* opt/ocs* opt/gcs* gridware/sge \
        usr/share/gridengine var/lib/gridengine cm/shared/apps/sge/* | sed "s,^,/,"
}
for places in given running written usual; do
    for place in $($places); do (settle "$places" "$top$place") && exit; done
done
