#!/bin/sh
# Grid Engine on a node: `gridengine.sh master|exec|client up|start|stop`.
#
# `up` runs in the farm's folder. The cell is sge/root there, the same on all nodes as on a shared disk; the
# master's spool is sge/spool. Both are mounted over the machine's own folders, in this node alone.
set -eu
duty=$1 order=$2
root=/var/lib/gridengine spool=/var/spool/gridengine
SGE_ROOT=$root SGE_CELL=default
export SGE_ROOT SGE_CELL

mounts() {
    mount --bind sge/root $root
    install -d -o sgeadmin -g sgeadmin /run/gridengine $spool
    grep -q '^sge[-_]qmaster' /etc/services || printf 'sge_qmaster 6444/tcp\nsge_execd 6445/tcp\n' >>/etc/services
    case $duty in
    master) mount --bind sge/spool $spool ;;
    exec) install -d -o sgeadmin -g sgeadmin $spool/execd ;;
    esac
}

# Fill the master's spool before its first start, as sgeadmin, who cannot look into the farm's folder.
cell() {
    cp -r sge/setup /run/gridengine
    chown -R sgeadmin:sgeadmin $spool $root/default
    setpriv --reuid sgeadmin --regid sgeadmin --clear-groups sh -eu <<END
        cd /run/gridengine/setup
        umask 022
        mkdir -p $spool/spooldb $spool/qmaster/job_scripts
        echo 3790 >$spool/qmaster/jobseqnum
        PATH=/usr/lib/gridengine:\$PATH
        resources=/usr/share/gridengine/util/resources
        spoolinit berkeleydb libspoolb $spool/spooldb init
        spooldefaults configuration configuration
        spooldefaults complexes \$resources/centry
        spooldefaults usersets \$resources/usersets
        spooldefaults managers sgeadmin root
        spooldefaults adminhosts hosts
        spooldefaults submithosts hosts
        spooldefaults exechosts exec
        spooldefaults pes pes
END
}

# What only a running master takes: the queue, and a scheduler that looks at a job at once.
settle() {
    qconf -Aq sge/setup/queue
    qconf -ssconf | sed 's/^\(schedule_interval\) .*/\1 0:0:5/; s/^\(flush_[a-z]*_sec\) .*/\1 1/
        s/^\(job_load_adjustments\) .*/\1 NONE/' >/run/gridengine/scheduler
    qconf -Msconf /run/gridengine/scheduler
}

# Wait for the master: it listens some time after its start has ended, and who does not find it gives up.
answer() {
    tries=300
    until said=$(qconf -sh 2>&1); do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "$said" >&2; exit 1; }
        sleep 0.2
    done
}

start() {
    case $duty in
    master)
        sge_qmaster
        answer
        ;;
    exec)
        answer
        sge_execd
        ;;
    esac
}

case $order in
up)
    mounts
    if [ "$duty" = master ] && [ ! -e $spool/spooldb/sge ]; then
        cell
        start
        settle
    else
        start
    fi
    ;;
start) start ;;
stop) pkill -KILL -x 'sge_qmaster|sge_execd' || true ;;
esac
