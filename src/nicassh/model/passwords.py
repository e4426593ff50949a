"""Finding passwords and tokens in command lines, which every user of a node can write as he likes.

Of all patterns: what was matched once is given back for no second try (`++`, `*+`), and what could begin anywhere is
bounded in length. Else a line of blanks costs the square of its length.
"""

from __future__ import annotations

import re

_START = r"""(?:^|[\s&?;,'"{(=])"""
_VALUE = r"""(?P<secret>"[^"]{1,300}+"|'[^']{1,300}+'|[^\s'"]\S*+|['"]\S++)"""
# `password` within a name (`PGPASSWORD`, `--db.password`), and short words that end one (`db_pass`, `AWS_ACCESS_KEY`);
# but no number of tokens, no tokenizer, and no name of a file with the secret in it.
_FILE = r"(?![\w.-]{0,20}(?:file|path)\b)"
_LONG = rf"(?:password|passwd|passphrase|secret|token(?!s\b|iz)|api[-_]?key|_pwd){_FILE}[\w-]{{0,40}}"
_ENDS = r"pass|pw|pwd|psk|pat|authz|bearer|credentials?|(?:access|private|auth)[-_]?key"
_SHORT = rf"[\w.-]{{0,40}}[-_.](?:{_ENDS})"
_ALONE = r"(?:pass|psk|authz)"
_NAMED = re.compile(
    rf"(?i)({_START}(?:(?:-{{0,2}}[\w.-]{{0,40}}{_LONG}|-{{0,2}}{_SHORT}|{_ALONE}|--pwd?)[\"']?(?:=|:\s?)"
    rf"|--?[\w.-]{{0,40}}{_LONG}\s++(?!-)|-{_SHORT}\s++(?!-)|--(?:pass|pwd?)\s++(?!-))){_VALUE}"
)
_HINT = re.compile("(?i)pass|pwd?|psk|[-_.]pat|authz|bearer|credential|key|secret|token")
"""Without one of these no name tells a secret: most command lines are looked at once only."""
_HEADER = re.compile(
    r"(?i)((?:Authorization|Cookie):\s{0,20}+"
    r"(?:(?:Bearer|Basic|Digest|Token|Negotiate|NTLM|OAuth|Api-?Key|AWS4[\w-]{1,30})\s{1,20}+)?)(?P<secret>[^\s'\"]++)"
)
# `//user:x@host`, where x may have `@` and `/` in it; but not `//host:8080/path`.
_URL = re.compile(r"(://[^\s:/@]{0,64}+:)(?!\d{1,5}(?:/|\s|$))(?P<secret>\S{1,300})(?=@)")
# Tokens that can be told by their looks: of GitHub, GitLab, Slack, Hugging Face, and those of three signed parts.
_TOKEN = re.compile(
    r"()(?:(?<![\w-])|(?<=%20))(?P<secret>(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|hf_)[\w-]{16,}+|eyJ[\w-]{10,}+\.[\w-]{4,}+\.[\w-]*+)"
)
_ACCOUNT = re.compile(
    r"(\s-{1,2}(?:(?P<flags>[A-Za-z]{0,5})[uU]|(?:proxy-)?user)[\s=]{0,20}+[\"']?(?P<user>[\w.@-]{1,64}+):)"
    r"(?P<secret>[^\s'\"]++)"
)


def _programs(names: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s/;|&'\"(=])(?:{names})(?=[\s'\"]|$)")


# What takes `-u user:password`, and what takes `-u user:group` or something else with a colon.
_WEB = _programs(r"curl|wget2?|httpie|https?|xh|xhs|aria2c|ab|siege|lftp|ncftp\w{0,5}+")
_GROUPED = re.compile(
    r"[\w.-]{0,30}d|docker|podman|nerdctl|singularity|apptainer"
    r"|sudo|runuser|setpriv|chroot|start-stop-daemon|gosu|su-exec"
)
_OTHERS = _programs(
    r"python[\d.]{0,6}+|rsync|sort|journalctl|systemctl|ps|pgrep|pkill|perf|ssh|nginx|haproxy|g?unicorn|uwsgi|ld|gcc"
    r"|g\+\+"
)
# Programs with an option of their own for a secret.
_OPTIONS = (
    (r"mysql[\w-]{0,12}|mariadb[\w-]{0,12}|7z[ar]?", r"\s-p(?!\s)"),
    (
        r"sshpass|mongo\w{0,8}|(?:docker|podman) login|rdesktop|ncftp\w{0,5}|condor_store_cred",
        r"\s-p\s{0,20}+(?!-)",
    ),
    (r"ipmitool|zip|unzip|sqlcmd", r"\s-P\s{0,20}+(?!-)"),
    (r"redis-cli", r"\s-a\s{1,20}+(?!-)"),
    (r"ldap\w{1,12}", r"\s-w\s{0,20}+(?!-)"),
    (r"snmp\w{1,12}", r"\s-[AXc]\s{0,20}+(?!-)"),
    (r"smbclient|rpcclient|net", r"\s-U\s{0,20}+[^\s%]{1,64}+%"),
    (r"lftp", r"\s-u\s{0,20}+[^\s,]{1,64}+,"),
    (r"openssl", r"\spass:|\s-pass\w{0,3}\s{1,20}+pass:|\s-k\s{1,20}+(?!-)"),
    (r"xfreerdp", r"\s/p:"),
)
_OWN = tuple((_programs(names), re.compile(rf"({option})(?P<secret>\S++)")) for names, option in _OPTIONS)
_ANY = _programs("|".join(names for names, _ in _OPTIONS))


def hide(command: str) -> str:
    """Return the command line with `***` for each password and token that is known by its name or program."""
    for program, option in _OWN if _ANY.search(command) else ():
        if program.search(command):
            command = option.sub(_masked, command)
    command = _accounts(command)
    for pattern in (_HEADER, _URL, *([_NAMED] if _HINT.search(command) else ()), _TOKEN):
        command = pattern.sub(_masked, command)
    return command


def _masked(match: re.Match[str]) -> str:
    return f"{match[1]}***"


def _accounts(command: str) -> str:
    """Return the same without the passwords in `-u user:password`."""
    program = command.split(" ", 1)[0].rpartition("/")[2].rstrip(":")
    grouped = not _WEB.search(command)
    if grouped and (_GROUPED.fullmatch(program) or _OTHERS.search(command)):
        return command

    def masked(match: re.Match[str]) -> str:
        user, secret = match["user"], match["secret"]
        group = grouped and (match["flags"] or secret == user or f"{user}{secret}".isdecimal())
        return match[0] if group else _masked(match)

    return _ACCOUNT.sub(masked, command)
