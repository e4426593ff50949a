"""Checks that open SSH: host keys, logins, a run of all probes on one node, and the clocks of the nodes."""

from __future__ import annotations

from nicassh.collection.run import NodeResult, collect, plan, probe_parameters, transport_limits
from nicassh.inventory import fold
from nicassh.model.outcome import State
from nicassh.model.units import counted, draw_seconds
from nicassh.query.checks.checking import Verdict, check, critical, not_checked, warning, well
from nicassh.query.checks.setup import Setup, by_words
from nicassh.store.clocks import MARGIN
from nicassh.transport import Connections

_ADVICE = {
    State.AUTH_FAILED: "see `user` and `identity` in the inventory, and authorized_keys on the node",
    State.REFUSED: "start sshd there, or set `port` in the inventory",
    State.UNREACHABLE: "is it powered, is its address right, is a firewall between?",
    State.TIMEOUT: "log in by hand: is the node overloaded, or its name service silent?",
    State.FAILED: "log in by hand: the account's shell, an expired password, a forced command",
    State.TRUNCATED: "log in by hand: the connection broke, or the shell was killed",
}


@check("host keys", needs="inventory")
def host_keys(setup: Setup) -> Verdict:
    """Check that known_hosts has the host key of each node that shows one."""
    asked = [node.name for node in setup.nodes if node.uses_ssh]
    if not asked:
        return well("no node is reached by SSH")
    states = {name: setup.answers[name].state for name in asked}
    shown = [name for name, state in states.items() if state not in _NO_KEY]
    wrong = {name: _KEYS[state] for name, state in states.items() if state in _KEYS}
    if State.HOST_KEY_CHANGED in states.values() or State.HOST_KEY_REVOKED in states.values():
        return critical(by_words(wrong), "find out why. A node installed anew: nicamon keys accept NODE --replace")
    if wrong and setup.sources.config.host_keys == "accept-new":
        return well(f"{by_words(wrong)}; the next collection records it (host_keys = accept-new)")
    if wrong:
        nodes = fold(wrong)
        return critical(by_words(wrong), f"compare `nicamon keys scan '{nodes}'`, then: nicamon keys accept '{nodes}'")
    return well(f"{counted(len(shown), 'node')} with a known key") if shown else not_checked("no node showed a key")


_NO_KEY = (State.UNREACHABLE, State.REFUSED, State.TIMEOUT)
_KEYS = {
    State.HOST_KEY_CHANGED: "the host key has changed",
    State.HOST_KEY_REVOKED: "the host key is revoked",
    State.HOST_KEY_UNKNOWN: "the host key is not in known_hosts",
}


@check("logins", needs="inventory")
def logins(setup: Setup) -> Verdict:
    """Check that each node lets us in and runs a command."""
    failed = {
        name: answer for name, answer in setup.answers.items()
        if not (answer.is_ok or answer.node.barred or answer.state in _KEYS or name in setup.unknown)
    }  # fmt: skip
    if not failed:
        reached = len(setup.reached)
        return well(f"{counted(reached, 'node')} answered") if reached else not_checked("no node could be asked")
    states = {answer.state for answer in failed.values()}
    advice = next((text for state, text in _ADVICE.items() if state in states), "")
    found = by_words({name: answer.reason for name, answer in failed.items()})
    serious = State.AUTH_FAILED in states or not setup.reached
    return critical(found, advice) if serious else warning(found, advice)


@check("probe run", needs="probes")
def probe_run(setup: Setup) -> Verdict:
    """Check that all probes give something on one node."""
    if not setup.reached:
        return not_checked("no node could be asked")
    result = _collected(setup)
    failed = {outcome.probe: outcome.reason for outcome in result.outcomes if not outcome.state.is_ok}
    where = result.node.name
    if failed:
        return warning(f"{where}: {by_words(failed)}", f"see docs/operate.md, and: nicamon collect -n {where}")
    return well(f"{counted(len(result.outcomes), 'probe')} on {where} in {draw_seconds(result.login.seconds or 0)}")


def _collected(setup: Setup) -> NodeResult[None]:
    config = setup.sources.config
    with Connections(transport_limits(config)) as connections:
        requests = plan(setup.reached[:1], setup.sources.probes())
        (result,) = collect(requests, connections, probe_parameters(config))
    return result


@check("node clocks", needs="inventory")
def node_clocks(setup: Setup) -> Verdict:
    """Check that the clocks of the nodes are those of this machine."""
    if not setup.reached:
        return not_checked("no node could be asked")
    wrong = {
        name: f"{draw_seconds(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"
        for name, ahead in setup.ahead.items() if abs(ahead) >= MARGIN
    }  # fmt: skip
    if len(wrong) > len(setup.reached) / 2 and len(wrong) > 1:
        return critical(
            by_words(wrong), "the clock of this machine may be the wrong one: see chrony, ntpd or timesyncd"
        )
    if wrong:
        return warning(by_words(wrong), "start chrony, ntpd or systemd-timesyncd on the node")
    return well(f"{counted(len(setup.ahead), 'node')}, all within {MARGIN} s of this machine")
