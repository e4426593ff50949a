"""What a package is called, and how its versions are written, whoever names them."""

from __future__ import annotations

import re

PREFIXES = {
    "fairsoft": "FairSoft", "fairroot": "FairRoot", "mpdroot": "MpdRoot", "mpddev": "MpdRoot", "bmnroot": "BmnRoot",
    "geant4": "Geant4",
}  # fmt: skip
MONTH = re.compile(r"(?<![a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\d\d(?:p\d+)?(?:rc\d*)?(?![a-z\d])")
NUMBER = re.compile(r"(?:v[-.]?|[-.]|(?<!\d))\d++[._-]\d(?:\w|[-.](?=\w))*+|\d{6}|v\d+")
_ROOT = re.compile(r"root([-_\d].*)?")
_PACKAGE = re.compile(r"(?i)^(?:fairsoft|fairroot|mpdroot|mpddev|bmnroot|geant4|root)")
_OF_ROOT = re.compile(r"v?(\d+)[./-](\d+)[./-](\d+)")
_OF_GEANT = re.compile(r"v?(\d+)[.-](\d+)(?:[.-](?:p|patch-)?(\d+))?")
PATTERNS = {
    "FairSoft": MONTH,
    "MpdRoot": re.compile(f"{NUMBER.pattern}|{MONTH.pattern}"),  # apr17 was one too
    "BmnRoot": re.compile(f"{NUMBER.pattern}|{MONTH.pattern}"),
    "ROOT": re.compile(r"(?:v|(?<!\d))\d++[.-]\d+(?:[-./]\d+)*(?:-?(?:rc|patches)\d*)?"),
    "Geant4": re.compile(r"(?:v|(?<!\d))\d++[.-]\d+(?:[.-](?:p|patch-)?\d+)*"),
}


def package_of(name: str) -> str:
    """The package that a folder or module of this name belongs to; "" where it is none of ours."""
    lower = name.lower()
    known = next((package for prefix, package in PREFIXES.items() if lower.startswith(prefix)), "")
    return known or ("ROOT" if _ROOT.fullmatch(lower) else "")


def suffix_of(name: str) -> str:
    """What stands behind the package in a name: `-211112` in `mpdroot-211112`."""
    return _PACKAGE.sub("", name)


def version_in(package: str, text: str) -> str | None:
    """The version of a package that a text names, as it is always written here; None where it names none."""
    match = PATTERNS.get(package, NUMBER).search(text)
    return written(package, match[0]) if match else None


def written(package: str, version: str) -> str:
    """One spelling of a version: ROOT 6.22/08 and v6-22-08 are 6.22.08, Geant4 10.05.p01 is 10.5.1."""
    if package == "ROOT" and (match := _OF_ROOT.match(version)):
        return f"{match[1]}.{match[2]:0>2}.{match[3]:0>2}{version[match.end() :]}"
    if package == "Geant4" and (match := _OF_GEANT.match(version)):
        return f"{int(match[1])}.{int(match[2])}.{int(match[3] or 0)}{version[match.end() :]}"
    return version
