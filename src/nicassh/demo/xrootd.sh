#!/bin/sh
# xrootd on a node: `xrootd.sh manager|server up|start|stop`.
set -eu
order=$2
instance=mpd admin=/var/spool/xrootd state=/run/xrootd

run() {
    pgrep -x "$1" >/dev/null || setpriv --reuid xrootd --regid xrootd --clear-groups "$1" -b -n $instance \
        -c /etc/xrootd/xrootd-$instance.cfg -l "$state/log/$1.log" -s "$state/$1-$instance.pid" -k fifo
}

start() {
    cd $state
    rm -rf $admin/$instance/.olb
    run cmsd
    # Where it does not find the other's socket at once it tries again ten seconds later.
    tries=100
    until [ -S $admin/$instance/.olb/olbd.admin ] || [ -S $admin/$instance/.olb/olbd.nimda ]; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { tail -n 1 "$state/log/$instance/cmsd.log" >&2; exit 1; }
        sleep 0.1
    done
    run xrootd
}

case $order in
up)
    install -d -o xrootd -g xrootd $admin $state $state/log
    cp -r /run/nicamon/nica /var/spool/nica
    chown -R xrootd:xrootd /var/spool/nica
    start
    ;;
start) start ;;
stop) pkill -KILL -x 'xrootd|cmsd' || true ;;
esac
