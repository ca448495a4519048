"""Docstrings describe the arguments there are, in their order."""

import ast
import importlib
import inspect
import re

import pytest
from source_trees import TREES

import thermobatch


def documented_parameters(docstring: str) -> list[str] | None:
    """The names in a numpydoc Parameters section, in order; None without one."""
    section = re.search(
        r"^Parameters\n-{3,}\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", inspect.cleandoc(docstring), re.M | re.S
    )
    if section is None:
        return None
    heads = [
        line.split(" :")[0].split(":")[0]
        for line in section[1].splitlines()
        if line and not line[0].isspace()
    ]
    return [name.strip().lstrip("*\\") for head in heads for name in head.split(",")]


def signature_names(function: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> list[str]:
    """The parameters of a function in the order of its signature, without self or cls."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    static = any(ast.unparse(decorator) == "staticmethod" for decorator in function.decorator_list)
    names = names[1:] if method and not static else names
    names += [arguments.vararg.arg] if arguments.vararg else []
    names += [argument.arg for argument in arguments.kwonlyargs]
    return names + ([arguments.kwarg.arg] if arguments.kwarg else [])


def docstring_problems(body: list[ast.stmt], owner: str = "") -> list[str]:
    """Public functions, classes and methods without docstring, or whose Parameters are not those of the signature."""
    problems = []
    for node in body:
        if not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) or node.name.startswith("_"):
            continue
        name, docstring = f"{owner}{node.name}", ast.get_docstring(node)
        if not docstring:
            problems.append(f"{name}: no docstring")
            continue
        if isinstance(node, ast.ClassDef):
            problems += docstring_problems(node.body, f"{name}.")
            creators = [
                part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"
            ]
            fields = [
                part.target.id
                for part in node.body
                if isinstance(part, ast.AnnAssign) and not ast.unparse(part.annotation).startswith("ClassVar")
            ]
            expected = signature_names(creators[0], method=True) if creators else fields
        else:
            expected = signature_names(node, method=bool(owner))
        documented = documented_parameters(docstring)
        if documented is not None and documented != expected:
            problems.append(f"{name}: documents {documented}, takes {expected}")
    return problems


def front_door_problems(name: str, function) -> list[str]:
    """What a reader of help() would miss of a public function of the front door."""
    docstring = inspect.getdoc(function) or ""
    taken = [parameter.lstrip("*") for parameter in inspect.signature(function).parameters]
    problems = []
    if taken and documented_parameters(docstring) != taken:
        problems.append(f"{name}: documents {documented_parameters(docstring)}, takes {taken}")
    if inspect.isfunction(function) and not re.search(r"^(Returns|Yields)\n-+$", docstring, re.MULTILINE):
        problems.append(f"{name}: no Returns section")
    return problems


@pytest.mark.parametrize("module", TREES)
def test_docstrings_match_signatures(module):
    assert docstring_problems(TREES[module].body) == []


def test_front_door_is_documented():
    names = getattr(thermobatch, "__all__", [])
    public = {name: getattr(thermobatch, name) for name in names if callable(getattr(thermobatch, name))}
    assert [problem for name, thing in public.items() for problem in front_door_problems(name, thing)] == []
    assert len(names) == len(set(names))


def test_a_wing_hides_no_name_of_the_front_door():
    importlib.import_module("thermobatch.langevin.landscapes")
    assert inspect.isfunction(thermobatch.langevin)


PLANTED = '''
def bare(a):
    pass


def swapped(a, b, *rest, c=1, **options):
    """Do.

    Parameters
    ----------
    b : int
        Not first.
    a : int
    """


def good(a, b, *rest, c=1, **options):
    """Do.

    Parameters
    ----------
    a, b : int
        Two: with a colon.
    *rest : int
    c : int, optional
    **options
        More.

    Returns
    -------
    d : int
    """


class Point:
    """A point.

    Parameters
    ----------
    x : one line.
    z : not a field.
    """

    kind: ClassVar[str]
    x: int

    def move(self, by):
        """Move.

        Parameters
        ----------
        to : where
        """
'''


def test_planted_docstring_defects_are_found():
    problems = docstring_problems(ast.parse(PLANTED).body)
    assert [problem.split(":")[0] for problem in problems] == ["bare", "swapped", "Point.move", "Point"]


def test_planted_front_door_defects_are_found():
    def undocumented(a):
        """Do."""

    def documented(a):
        """Do.

        Parameters
        ----------
        a : int

        Returns
        -------
        int
        """

    assert len(front_door_problems("undocumented", undocumented)) == 2
    assert front_door_problems("documented", documented) == []
