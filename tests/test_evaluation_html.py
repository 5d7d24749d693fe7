"""Pages are self-contained, safe with hostile names, and the same every time."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from evaluation_fakes import ALARM, FakeClassifier, FakeDataset, alarms

from ossicle.evaluation import Picture, Section, Table, evaluate, page, pictures, write_html
from ossicle.evaluation.visible import shorten, visible
from ossicle.types import Clip, Recording, Task

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=y>',
    "a\x00b",
    "\u202egnp.exe",
    "\ud800",
]


ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "section", "h2", "p", "pre"),
    *("code", "div", "img", "figure", "figcaption", "table", "caption", "thead", "tbody", "tr"),
    *("th", "td", "bdi"),
}


class Reader(HTMLParser):
    """Collects the elements and the text of a page, and checks that tags are closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def everywhere(name: str) -> list[Section]:
    table = Table((name, "n"), [(name, 1)], caption=name)
    picture = Picture(b"\x89PNG" + bytes(28), alt=name, caption=name)
    tiles = [(name, name, name)]
    return [Section(name, name, code=name, tables=[table], pictures=[picture], tiles=tiles)]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_and_do_nothing(name: str) -> None:
    source = page(name, everywhere(name))
    read = Reader(source)
    assert {tag for tag, _ in read.seen} <= ELEMENTS
    assert not any(key.startswith("on") for _, attributes in read.seen for key in attributes)
    assert visible(name) in read.text
    assert not re.search("[\x00\u202a-\u202e\ud800-\udfff]", source)
    source.encode("utf-8")


def test_page_asks_nothing_from_anywhere(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    evaluate(FakeClassifier(ALARM), alarms(), out=out)
    source = out.read_text(encoding="utf-8")
    read = Reader(source)
    sources = [value for _, each in read.seen for key, value in each.items() if key in _LINKS]
    assert len(sources) == 2
    assert all(value.startswith("data:image/png;base64,") for value in sources if value)
    assert "default-src 'none'" in source
    assert not re.search(r"https?://|url\(|@import", source)


_LINKS = {"src", "href", "srcset", "data", "action", "poster"}


def test_report_holds_figures_data_mistakes_and_command(tmp_path: Path) -> None:
    command = "ossicle evaluate alarm.ossicle kitchen/ --out 'report & more.html'"
    dataset = alarms()
    dataset.clips = [
        *dataset.clips,
        Clip(Recording(Path("x/corrupt.wav")), labels={"label": "alarm"}),
    ]
    report = evaluate(FakeClassifier(ALARM), dataset, out=tmp_path / "r.html", command=command)
    text = Reader((tmp_path / "r.html").read_text(encoding="utf-8")).text
    for said in (command, f"{report.accuracy:.3f}", "other/a_0.3_0.7.wav", "f00d", "kitchen",
                 "search.n_configurations", "not a sound file"):  # fmt: skip
        assert said in text


def test_report_from_python_says_that_no_command_was_recorded(tmp_path: Path) -> None:
    evaluate(FakeClassifier(ALARM), alarms(), out=tmp_path / "r.html")
    assert "No command: this page was made from Python, or by a step of a workflow." in (
        tmp_path / "r.html"
    ).read_text(encoding="utf-8")


def test_perfect_and_single_clip_reports_are_written_too(tmp_path: Path) -> None:
    task = Task("label", "multiclass", ("dog", "cat"))
    one = FakeDataset([Clip(Recording(Path("dog/a_0.9_0.1.wav")), labels={"label": "dog"})])
    evaluate(FakeClassifier(task), one, out=tmp_path / "r.html")
    text = Reader((tmp_path / "r.html").read_text(encoding="utf-8")).text
    assert "every highest score was the true label" in text
    assert "not measured" in text


def test_same_report_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        evaluate(FakeClassifier(ALARM), alarms(), out=tmp_path / name, command="c")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_missing_matplotlib_costs_the_plots_and_names_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    report = evaluate(FakeClassifier(ALARM), alarms(), out=tmp_path / "r.html")
    text = Reader((tmp_path / "r.html").read_text(encoding="utf-8")).text
    assert "pip install 'ossicle[plot]'" in text
    assert f"{report.accuracy:.3f}" in text


def test_tables_set_numbers_right_mark_rows_and_name_what_is_missing() -> None:
    table = Table(("name", "fpr"), [("a", 0.25), ("b", float("nan")), ("c", None)], marked=[1])
    source = page("t", [Section("s", tables=[table])])
    assert '<td class="number"><bdi>0.250</bdi></td>' in source
    assert source.count("not measured") == 2
    assert '<tr class="marked"><td><bdi>b</bdi>' in source


def test_sections_can_be_folded() -> None:
    source = page("t", [Section("s", "text", folded=True)])
    assert "<details><summary><h2>s</h2></summary>" in source


def test_pictures_carry_their_size() -> None:
    pytest.importorskip("matplotlib")
    from ossicle.evaluation import plot_confusion

    drawn, sentence = pictures([(lambda: plot_confusion([[1]], ["dog"]), "alt", "")])
    source = page("t", [Section("s", pictures=drawn)])
    assert sentence == ""
    assert re.search(r'<img width="\d{3}" height="\d{3}" alt="alt" src="data:', source)


def test_killed_writing_leaves_no_half_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_html(tmp_path / "r.html", "first", [])

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", stop)
    with pytest.raises(KeyboardInterrupt):
        write_html(tmp_path / "r.html", "second", [])
    assert "first" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_long_names_lose_their_middle_only() -> None:
    assert shorten("short.wav", 20) == "short.wav"
    assert len(shorten("x" * 99, 20)) == 20
