"""The front end's files hold together: sentences, sources, vendored code."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "desk" / "web"
SOURCES = ROOT / "frontend" / "src"
STATIC = WEB / "static"
TEMPLATES = [
    WEB / "templates" / f"{name}.html"
    for name in ("base", "chat", "demo", "ticket", "_ticket", "_timeline")
]
OURS = [STATIC / "chat", STATIC / "demo"]
SENTENCES = {
    lang: json.loads((WEB / "i18n" / f"{lang}.json").read_text("utf-8")) for lang in ("zh", "en")
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACES = re.compile(r"\{(\w+)\}")
#: Sentences that are looked up by a made key: `state.${order.state}`.
FAMILIES = ("state.", "carrier.", "ticket.", "said.", "demo.role_", "demo.push_")


def own_files() -> list[Path]:
    """Every script, style and template of the customer's pages, as served."""
    files = [path for folder in OURS for path in folder.rglob("*") if path.is_file()]
    return [*files, *TEMPLATES, STATIC / "theme.css", STATIC / "widget.js", STATIC / "icon.svg"]


def keys_used() -> set[str]:
    """Keys named in sources (`"chat.send"`) and templates (`i18n["chat.send"]`)."""
    texts = [path.read_text("utf-8") for path in [*SOURCES.rglob("*.js"), *TEMPLATES]]
    quoted = {key for text in texts for key in re.findall(r"[\"']([a-z]+\.[a-z_]+)[\"']", text)}
    return {
        key for key in quoted if key.split(".")[0] in {k.split(".")[0] for k in SENTENCES["zh"]}
    }


def test_both_languages_have_the_same_sentences():
    assert SENTENCES["zh"].keys() == SENTENCES["en"].keys()


def test_both_languages_fill_in_the_same_places():
    for key, sentence in SENTENCES["zh"].items():
        english = SENTENCES["en"][key]
        assert set(PLACES.findall(sentence)) == set(PLACES.findall(english)), key


def test_every_sentence_that_is_used_exists():
    assert keys_used() - SENTENCES["zh"].keys() == set()


def test_every_sentence_that_exists_is_used():
    unused = SENTENCES["zh"].keys() - keys_used()
    text = "".join(path.read_text("utf-8") for path in SOURCES.rglob("*.js"))
    made = {key for key in unused if key.startswith(FAMILIES)}
    columns = {key for key in unused if key.removeprefix("demo.") in ("login", "password", "name")}
    assert "`demo.${column}`" in text
    assert unused - made - columns - {"demo.role"} == set()


@pytest.mark.parametrize("path", [*SOURCES.rglob("*.js"), *TEMPLATES], ids=lambda p: p.name)
def test_no_words_outside_the_sentence_files(path):
    text = re.sub(r"//[^\n]*|/\*.*?\*/|\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not CHINESE.search(text)


@pytest.mark.parametrize("path", own_files(), ids=lambda p: p.name)
def test_nothing_is_loaded_from_elsewhere(path):
    assert "https://" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_carry_no_inline_scripts(path):
    for attributes, body in re.findall(
        r"<script([^>]*)>(.*?)</script>", path.read_text("utf-8"), flags=re.DOTALL
    ):
        assert 'type="application/json"' in attributes or not body.strip()
    assert not re.search(r"\son[a-z]+=", path.read_text("utf-8"))


def account() -> dict[str, list[str]]:
    """VERSIONS.txt as label -> values."""
    found: dict[str, list[str]] = {}
    for line in (STATIC / "VERSIONS.txt").read_text("utf-8").splitlines():
        label, colon, value = line.partition(": ")
        if colon:
            found.setdefault(label, []).append(value)
    return found


def test_bundled_packages_are_listed_with_their_licences():
    licences = (STATIC / "LICENSES.txt").read_text("utf-8")
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text("utf-8"))["packages"]
    packages = account()["package"]
    assert any(line.startswith("lit ") for line in packages)
    for line in packages:
        name, version, _licence = line.split(" ")
        assert f"== {name} {version}\n" in licences
        assert lock[f"node_modules/{name}"]["version"] == version
    for name in account()["files"][0].split():
        assert (STATIC / name).is_file()


def test_the_committed_build_is_made_from_the_committed_sources():
    digest = hashlib.sha256()
    names = sorted(path.relative_to(ROOT / "frontend").as_posix() for path in SOURCES.rglob("*.js"))
    for name in names:
        content = (ROOT / "frontend" / name).read_bytes()
        digest.update(f"{name}\n".encode() + content + b"\n")
    assert account()["sources"] == [f"sha256 {digest.hexdigest()}"], (
        "sources changed: run `npm run build` in frontend/"
    )


def test_the_lock_file_names_no_registry():
    assert '"resolved"' not in (ROOT / "frontend" / "package-lock.json").read_text("utf-8")


def test_the_widget_reads_the_same_in_any_encoding():
    assert (STATIC / "widget.js").read_bytes().isascii()
