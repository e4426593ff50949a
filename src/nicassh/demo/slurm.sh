#!/bin/sh
# Slurm on a node: `slurm.sh master|exec|client up|start|stop`.
#
# `up` runs in the farm's folder; slurm/state there is what the master remembers.
set -eu
duty=$1 order=$2

start() {
    # Every node has it, so that every node can ask and submit.
    pgrep -x munged >/dev/null || setpriv --reuid munge --regid munge --clear-groups munged \
        --log-file=/run/munge/log --pid-file=/run/munge/munged.pid --seed-file=/run/munge/seed
    case $duty in
    master) slurmctld ;;
    exec) slurmd ;;
    esac
}

case $order in
up)
    install -d -o munge -g munge /run/munge
    install -d -o slurm -g slurm /run/slurm /var/spool/slurmctld /var/spool/slurmd
    if [ "$duty" = master ]; then
        mount --bind slurm/state /var/spool/slurmctld
        chown slurm:slurm /var/spool/slurmctld
    fi
    start
    ;;
start) start ;;
stop) pkill -KILL -x 'slurmctld|slurmd' || true ;;
esac
