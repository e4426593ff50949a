#!/bin/sh
# The port of each xrootd, cmsd and xproofd by its own configuration; and how each xrootd is, asked by its own client.
#
#   ask.sh HOST TOP "PID PROGRAM UID STATE"...      in the folder /proc; TOP is the root of a test's tree
#
# Every line begins with `asked PID`, so that no server can answer for another one.
# shellcheck disable=SC2086
host=$1 top=$2 asked=0
shift 2
XRD_CONNECTIONWINDOW=4 XRD_CONNECTIONRETRY=1 XRD_REQUESTTIMEOUT=4 XRD_STREAMTIMEOUT=4 XRD_TIMEOUTRESOLUTION=1
export XRD_CONNECTIONWINDOW XRD_CONNECTIONRETRY XRD_REQUESTTIMEOUT XRD_STREAMTIMEOUT XRD_TIMEOUTRESOLUTION
set -f

# directives PROGRAM NAME FILE: `port N`, and `proof N` where an xrootd serves PROOF as well.
directives() {
    awk -v program="$1" -v name="$2" -v host="$host" '
        function holds(at,    kind, good, seen) {   # if [HOST…] [exec PROGRAM…] [named NAME…]
            for (kind = "host"; at <= NF + 1; at++) {
                if (at > NF || $at ~ /^(exec|named|defined|&&)$/) {
                    if (seen && !good) return 0
                    good = seen = 0
                    if ($at != "&&") kind = $at
                    continue
                }
                seen = 1
                pattern = $at
                gsub(/[.]/, "[.]", pattern)
                gsub(/[*]/, ".*", pattern)
                if (kind == "exec" && $at == program || kind == "named" && $at == name) good = 1
                if (kind == "host" && host ~ "^" pattern "$") good = 1
            }
            return 1
        }
        { sub(/#.*/, "") }
        $1 == "if" { skip = !holds(2); next }
        $1 == "else" { skip = !skip; next }
        $1 == "fi" { skip = 0; next }
        skip { next }
        {
            for (at = 3; at <= NF && $at != "if"; at++);
            if (at <= NF && !holds(at + 1)) next
        }
        $1 == "xrd.port" && $2 ~ /^[0-9]+$/ { port = $2 }
        $1 == "xpd.port" && $2 ~ /^[0-9]+$/ { proof = $2 }
        $1 == "xrd.protocol" && $2 ~ /^xproofd(:|$)/ {
            serves = 1
            if (split($2, word, ":") > 1) proof = word[2]
        }
        END {
            if (program == "xproofd") port = proof ? proof : port
            else if (serves) print "proof " (proof ? proof : port ? port : "-")
            if (port) print "port " port
        }
    ' "$3"
}

for one; do
    IFS=' '
    set -- $one
    pid=$1 program=$2 uid=$3 state=$4 name=anon config='' port='' option='' facts=''
    IFS='
'
    for word in $(tr '\000' '\n' <"$pid/cmdline"); do
        case $option in c) config=$word ;; n) name=$word ;; p) port=$word ;; esac
        option=''
        case $word in -[cnp]) option=${word#-} ;; esac
    done
    [ -f "$top$config" ] && facts=$(directives "$program" "$name" "$top$config")
    for fact in $facts; do
        echo "asked $pid $fact"
        case $fact in port*) port=${fact#port } ;; esac
    done
    if [ "$program" != xrootd ] || [ "$state" = T ] || [ "$asked" = 3 ]; then continue; fi
    # The default port is not guessed: this account listens on it.
    if [ -z "$port" ] && grep -qsE ":0446 [0-9A-F]+:0000 0A ([^ ]+ +){3}$uid " net/tcp net/tcp6; then port=1094; fi
    case $port in '' | *[!0-9]*) continue ;; esac
    echo "asked $pid port $port"
    command -v xrdfs >/dev/null || continue
    asked=$((asked + 1))
    text=$(xrdfs "localhost:$port" query config 'version role cms' 2>/dev/null)
    echo "asked $pid status $?"
    for word in $text; do printf 'asked %s config %s\n' "$pid" "$word"; done
    [ -n "$text" ] || continue
    text=$(xrdfs "localhost:$port" query stats a 2>/dev/null)
    [ "${#text}" -gt 65536 ] || for word in $text; do printf 'asked %s stats %s\n' "$pid" "$word"; done
done
