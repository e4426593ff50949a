"""The configuration: where it is looked for, what wins, and errors that name file, variable and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from nicassh.config.settings import SETTINGS, Config, find, load, places
from nicassh.model.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder and an empty home."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def test_without_a_file_the_defaults_hold(home: Path) -> None:
    config = load(None, {})
    assert (config.fanout, config.timeout, config.host_keys, config.file) == (32, 60.0, "strict", None)
    assert config.database_url.startswith("sqlite:////")
    assert config.inventory == ()


def test_the_search_order(home: Path) -> None:
    user, here, named, option = (home / name for name in (".config/nicamon", "here", "named", "option"))
    assert [place.name for place in places()] == ["nicamon.toml"] * 3
    for number, folder in enumerate((user, here, named, option), 1):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "nicamon.toml").write_text(f"fanout = {number}\n")
        environment = {"NICAMON_CONFIG": str(named / "nicamon.toml")} if number >= 3 else {}
        config = load(option / "nicamon.toml" if number == 4 else None, environment)
        assert (config.fanout, config.file) == (number, folder / "nicamon.toml")


def test_a_named_file_must_be_there(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"no.toml: no such file") as caught:
        find(Path("no.toml"), {})
    assert "--config" in caught.value.hint
    with pytest.raises(ConfigError, match=r"no.toml: no such file") as caught:
        find(None, {"NICAMON_CONFIG": "no.toml"})
    assert "NICAMON_CONFIG" in caught.value.hint


def test_the_environment_wins(home: Path) -> None:
    (home / "here/nicamon.toml").write_text('fanout = 5\ntimeout = 9\nroots = ["/a"]\ndatabase = "sqlite:///x"\n')
    environment = {"NICAMON_FANOUT": "7", "NICAMON_ROOTS": "/b:/c", "NICAMON_INVENTORY": "i.toml:/j.toml"}
    config = load(None, environment)
    assert (config.fanout, config.timeout, config.roots) == (7, 9.0, ("/b", "/c"))
    assert config.inventory == (home / "here/i.toml", Path("/j.toml"))
    assert config.database_url == "sqlite:///x"


def test_paths_are_relative_to_the_file(home: Path) -> None:
    folder = home / "etc"
    folder.mkdir()
    (folder / "nicamon.toml").write_text('probes = ["mine", "/abs", "~/p"]\n')
    assert load(folder / "nicamon.toml", {}).probes == (folder / "mine", Path("/abs"), home / "p")
    assert load(folder / "nicamon.toml", {}).inventory == ()
    (folder / "inventory.toml").touch()
    assert load(folder / "nicamon.toml", {}).inventory == (folder / "inventory.toml",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fanuot = 3", ["nicamon.toml: unknown setting 'fanuot'", "did you mean 'fanout'?"]),
        ("zzz = 3", ["'zzz'", "known settings:", "stale"]),
        ("file = 'x'", ["unknown setting 'file'"]),
        ("fanout = 'many'", ["fanout = 'many'", "a whole number"]),
        ("fanout = 2.5", ["fanout = 2.5", "a whole number"]),
        ("fanout = true", ["fanout = True", "a whole number"]),
        ("fanout = 0", ["fanout = 0", "above 0"]),
        ("timeout = -1", ["timeout = -1", "above 0"]),
        ("timeout = nan", ["above 0"]),
        ("timeout = inf", ["timeout"]),
        ("timeout = '5'", ["timeout = '5'", "a number"]),
        ("database = 5", ["database = 5", "a text"]),
        ("roots = '/opt'", ["roots = '/opt'", "a list of texts"]),
        ("probes = [1]", ["probes = [1]", "a list of texts"]),
        ("host_keys = 'none'", ["host_keys = 'none'", "strict, accept-new"]),
        ("fanout = ", ["nicamon.toml", "line 1"]),
    ],
)
def test_errors_in_the_file(home: Path, text: str, words: list[str]) -> None:
    (home / "here/nicamon.toml").write_text(text + "\n")
    with pytest.raises(ConfigError) as caught:
        load(None, {})
    said = f"{caught.value.what} {caught.value.hint}"
    assert not [word for word in [*words, "nicamon.toml"] if word not in said], said


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("NICAMON_FANOUT", "many", "'many' is not a whole number"),
        ("NICAMON_FANOUT", "2.5", "'2.5' is not a whole number"),
        ("NICAMON_FANOUT", "0", "must be above 0"),
        ("NICAMON_TIMEOUT", "soon", "'soon' is not a number"),
        ("NICAMON_STALE", "nan", "must be above 0"),
        ("NICAMON_HOST_KEYS", "no", "must be one of: strict, accept-new"),
    ],
)
def test_errors_in_the_environment(home: Path, variable: str, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable}.*{words}"):
        load(None, {variable: text})


def test_every_setting_is_explained() -> None:
    assert set(SETTINGS) | {"file"} == set(Config.__dataclass_fields__)
    assert all(field.metadata["help"].endswith(".") for field in SETTINGS.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep_5m = 2", "keep_5m = 2 must not be less than keep_raw = 3"),
        ("keep_1h = 4000", "keep_1d = 3650 must not be less than keep_1h = 4000"),
        ("keep_raw = 0", "keep_raw = 0 must be above 0"),
        ('keep_1d = "ever"', "keep_1d = 'ever' must be a number"),
    ],
)
def test_a_coarse_tier_outlives_the_finer_one(home: Path, text: str, words: str) -> None:
    (home / "here/nicamon.toml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        load(None, {})


def test_the_order_of_tiers_takes_the_environment_in(home: Path) -> None:
    (home / "here/nicamon.toml").write_text("keep_raw = 40\n")
    with pytest.raises(ConfigError, match="keep_5m = 30 must not be less"):
        load(None, {})
    assert load(None, {"NICAMON_KEEP_5M": "60"}).keep_5m == 60
