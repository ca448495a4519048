"""The files of the project: one version, valid links, no machine's paths, clean notebooks, a light import."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

import thermobatch

ROOT = Path(__file__).parent.parent.parent


def project_files() -> list[Path]:
    """The files that are, or are about to be, committed; in a copy without git, all but what is generated."""
    if (ROOT / ".git").exists():
        command = [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        listed = (
            subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        )
        return [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    generated = {"results", "figures", "logs", "build", "dist"}
    tops = [
        top
        for top in ROOT.iterdir()
        if top.name not in generated and (top.name[0] != "." or top.name == ".ci")
    ]
    return [
        file
        for top in tops
        for file in [top, *top.rglob("*")]
        if file.is_file() and "__pycache__" not in file.parts
    ]


def texts() -> dict[str, str]:
    """The content of the text files by their path in the project."""
    found = {}
    for file in project_files():
        content = file.read_bytes()
        if b"\0" not in content:
            found[file.relative_to(ROOT).as_posix()] = content.decode()
    return found


# --- version and citation --------------------------------------------------------------------------------------------


def citation_problems(citation: dict) -> list[str]:
    """What the Citation File Format 1.2.0 requires of us and `citation` lacks."""
    problems = [
        f"{key} is missing" for key in ("message", "title", "authors", "license") if not citation.get(key)
    ]
    problems += [] if citation.get("cff-version") == "1.2.0" else ["cff-version is not 1.2.0"]
    problems += [] if citation.get("type") == "software" else ["type is not software"]
    for place, entry in enumerate(citation.get("references", [])):
        where = f"references[{place}]"
        problems += [
            f"{where}: {key} is missing" for key in ("type", "title", "authors", "year") if not entry.get(key)
        ]
        for author in entry.get("authors", []):
            if set(author) - {"family-names", "given-names", "name-particle"} or "family-names" not in author:
                problems.append(f"{where}: {author} is not a person")
        identifiers = [entry.get("doi", "")] + [item["value"] for item in entry.get("identifiers", [])]
        if not any(re.fullmatch(r"10\.\d{4,}/\S+|arXiv:\d{4}\.\d{5}", text) for text in identifiers):
            problems.append(f"{where}: neither a DOI nor an arXiv number")
    return problems


def test_citation_is_valid_and_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation_problems(citation) == []
    text = json.dumps(citation["references"])
    for paper in ("10.1038/s41598-024-62625-8", "10.1073/pnas.1608103113", "10.1103/PhysRevLett.115.128101"):
        assert paper in text
    for paper in ("2206.04760", "2210.06591", "2112.10852", "2006.06098"):
        assert f"arXiv:{paper}" in text


def test_planted_citation_defects_are_found():
    entry = {
        "type": "article",
        "title": "T",
        "authors": [{"name": "A"}],
        "identifiers": [{"value": "arXiv:1"}],
    }
    problems = citation_problems(
        {"cff-version": "1.2.0", "type": "software", "title": "t", "references": [entry]}
    )
    assert len(problems) == 6, problems


def test_version_is_in_one_place():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == thermobatch.__version__
    entries = re.findall(r"^## ([\d.]+) ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert entries[0] == thermobatch.__version__
    literal = re.compile(rf"""version\s*[=:]\s*["']?{re.escape(thermobatch.__version__)}\b""", re.IGNORECASE)
    elsewhere = [name for name, text in texts().items() if re.search(r"^__version__ = ", text, re.MULTILINE)]
    assert elsewhere == ["src/thermobatch/__init__.py"]
    stated = [
        name
        for name, text in texts().items()
        if literal.search(text) and name.endswith((".toml", ".md", ".yml"))
    ]
    assert stated == []


# --- links -----------------------------------------------------------------------------------------------------------


def anchors(markdown: str) -> set[str]:
    """The anchors GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ +(.*?)\s*$", _without_code(markdown), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_code(markdown: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)


def broken_links(name: str, files: dict[str, str | None]) -> list[str]:
    """The local links of the document `name` that lead to no file of the project, or to no heading."""
    text = re.sub(r"`[^`\n]*`", "", _without_code(files[name]))
    links = re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+[^)]*)?\)", text) + re.findall(
        r"""(?:src|href|srcset)=["']([^"']+)""", text
    )
    links += re.findall(r"^\[[^\]]+\]: *(\S+)", text, re.MULTILINE)
    broken = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / Path(name).parent / path).resolve() if path else ROOT / name
        inside = target.is_relative_to(ROOT)
        relative = target.relative_to(ROOT).as_posix() if inside else ""
        if not any(file == relative or file.startswith(f"{relative}/") for file in files):
            broken.append(link)
        elif anchor and anchor not in anchors(files.get(relative) or ""):
            broken.append(link)
    return broken


def test_links_lead_somewhere():
    files: dict[str, str | None] = {file.relative_to(ROOT).as_posix(): None for file in project_files()}
    files |= texts()
    broken = {name: broken_links(name, files) for name in files if name.endswith(".md")}
    assert {name: links for name, links in broken.items() if links} == {}
    assert "README.md" in broken


def test_planted_broken_links_are_found():
    text = "# A b\n[x](docs/a.md) [y](docs/no.md) [z](#a-b) [w](#no) ![i](no.png)\n<img src='no.svg'> [d](docs)\n"
    text += "```\n[no](code.md)\n```\n`[no](code.md)` [web](https://example.org)\n"
    text += "[h](docs/a.md#there) [g](docs/a.md#gone)"
    files = {"README.md": text, "docs/a.md": "## There\n"}
    assert sorted(broken_links("README.md", files)) == [
        "#no",
        "docs/a.md#gone",
        "docs/no.md",
        "no.png",
        "no.svg",
    ]


# --- nothing of one machine ------------------------------------------------------------------------------------------

OF_A_MACHINE = {
    "an absolute path": re.compile(
        r"(?<![\w.~$}>)\]/-])/(?:home|Users|root|work|opt|tmp|mnt|var|private|Volumes)/[\w.-]+"
    ),
    "a package host": re.compile(
        r"pypi[.](?:org|python)|python[h]osted|conda[.]anaconda[.]org|(?:extra-)?index[-_]url", re.I
    ),
    "a place of packages": re.compile(r"--find[-]links|trusted[-]host", re.IGNORECASE),
}


def machine_traces(text: str) -> list[str]:
    return [
        f"{what}: {match[0]}" for what, pattern in OF_A_MACHINE.items() for match in pattern.finditer(text)
    ]


def test_no_file_knows_a_machine():
    traces = {name: machine_traces(text) for name, text in texts().items()}
    assert {name: found for name, found in traces.items() if found} == {}


def test_no_merge_conflict_was_committed():
    marker = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
    assert marker.search("a\n" + "<" * 7 + " HEAD\n")
    assert [name for name, text in texts().items() if marker.search(text)] == []


def test_planted_machine_traces_are_found():
    slash, host = "/", "pypi" + ".org"
    for text in (f"cd {slash}home/ann", f'"{slash}root/x"', f"={slash}work/a", f"https:/{slash}{host}/"):
        assert len(machine_traces(text)) == 1, text
    for text in ("docs/work/a.md", "~/work/x", "$HOME/opt/x", f"https:/{slash}example.org/home/x", "a:/b"):
        assert machine_traces(text) == [], text


# --- notebooks -------------------------------------------------------------------------------------------------------


def notebook_problems(notebook: dict) -> list[str]:
    """What keeps a committed notebook from being thin, clean and runnable by papermill."""
    problems, cells = [], [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for place, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell.get("outputs") or cell.get("execution_count") is not None:
            problems.append(f"code cell {place}: has outputs")
        code = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
        if any(
            isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
            for node in ast.walk(ast.parse(code))
        ):
            problems.append(f"code cell {place}: defines something; it belongs in the package")
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        problems.append(f"{len(tagged)} cells are tagged `parameters`, one is needed")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        problems.append("the kernel is not python3")
    if set(notebook["metadata"]) - {"kernelspec", "language_info"}:
        problems.append("metadata that only an editor needs")
    return problems


def test_notebooks_are_clean():
    notebooks = {name: json.loads(text) for name, text in texts().items() if name.endswith(".ipynb")}
    problems = {name: notebook_problems(notebook) for name, notebook in notebooks.items()}
    assert {name: found for name, found in problems.items() if found} == {}
    assert [name for name in notebooks if not name.startswith("workflow/notebooks/")] == []


def test_planted_notebook_defects_are_found():
    def code(source, tags=(), outputs=(), count=None):
        metadata = {"tags": list(tags)}
        return {
            "cell_type": "code",
            "source": [source],
            "metadata": metadata,
            "outputs": outputs,
            "execution_count": count,
        }

    kernel = {"kernelspec": {"name": "python3"}}
    good = {
        "cells": [{"cell_type": "markdown", "source": ["def x"]}, code("q = 5", ["parameters"])],
        "metadata": kernel,
    }
    assert notebook_problems(good) == []
    for cell in (
        code("1", outputs=[{}]),
        code("1", count=3),
        code("def f():\n    pass"),
        code("1", ["parameters"]),
    ):
        assert len(notebook_problems({**good, "cells": [*good["cells"], cell]})) == 1
    assert len(notebook_problems({"cells": good["cells"][:1], "metadata": {"widgets": {}}})) == 3


# --- a light import --------------------------------------------------------------------------------------------------

HEAVY = {"numba", "matplotlib", "xarray", "scipy.stats", "pandas", "seaborn", "statsmodels", "snakemake"}


def heavy_modules_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nsys.stdout.write(' '.join(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return HEAVY & set(answer.stdout.split())


def test_import_is_light():
    assert heavy_modules_after("import thermobatch") == set()


def test_heavy_imports_are_found():
    assert "numba" in heavy_modules_after("import thermobatch.foundation.compilation")
