#!/bin/sh
# ipmi_sim's chassis program: chassis.sh DIR get|set ...   State in DIR/power and DIR/boot, log in DIR/log.
# Faults on demand: DIR/refuse.X makes setting X (power, reset, shutdown, boot) fail, DIR/ignore.X accepts it
# and does nothing, DIR/lag holds how many seconds the power state lags behind a verb. A BMC joined to a machine (DIR/machine exists) hands power, reset and shutdown to the lab.
dir=$1
verb=$2
shift 2

set_power() {
    if [ -e "$dir/lag" ]; then
        # Its output closed: ipmi_sim reads ours to its end.
        { sleep "$(cat "$dir/lag")"; echo "$1" >"$dir/power"; } >/dev/null 2>&1 &
    else
        echo "$1" >"$dir/power"
    fi
}

case $verb in
get)
    for what in "$@"; do
        case $what in
        power) if [ "$(cat "$dir/power")" = on ]; then echo power:1; else echo power:0; fi ;;
        boot) echo "boot:$(cat "$dir/boot")" ;;
        *) echo "Invalid parameter: $what"; exit 1 ;;
        esac
    done
    ;;
set)
    while [ $# -gt 1 ]; do
        what=$1 value=$2
        shift 2
        [ "$what" = identify ] && [ $# -gt 0 ] && shift
        echo "$(date +%s.%N) set $what $value" >>"$dir/log"
        [ -e "$dir/refuse.$what" ] && { echo "refused"; exit 1; }
        [ -e "$dir/ignore.$what" ] && continue
        case $what in
        power | reset | shutdown)
            if [ -e "$dir/machine" ]; then
                "${0%/*}/machine.py" "$dir" "$what" "$value" || exit 1
                continue
            fi
            ;;
        esac
        case $what in
        power) if [ "$value" = 1 ]; then set_power on; else set_power off; fi ;;
        reset) [ "$(cat "$dir/power")" = on ] || { echo "is off"; exit 1; } ;;
        shutdown) set_power off ;;
        boot) echo "$value" >"$dir/boot" ;;
        identify) ;;
        *) echo "Invalid parameter: $what"; exit 1 ;;
        esac
    done
    ;;
*) exit 1 ;;
esac
exit 0
