"""The reference: a Markdown page and a man page for each command. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from setops.cli.shell import table
from setops.cli.shell.help import argument_text, flag_text, summary, usage
from setops.language.command import Argument, Declaration, Flag

_STAGED: Final = "Staged: it takes effect with `changeset:commit`."
_NOTE: Final = "<!-- Made from the declarations by `make docs`; edit those. -->\n"


def pages() -> Mapping[str, str]:
    """The text of all files, by their path below `docs/`."""
    found = {"reference/README.md": _index(), "man/man1/setops.1": _man_index()}
    for name, forms in table.forms().items():
        slug = name.replace(":", "-")
        found[f"reference/{slug}.md"] = _markdown(name, forms)
        found[f"man/man1/setops-{slug}.1"] = _man(name, forms)
    return found


def _index() -> str:
    lines = [_NOTE, "# The commands of setops", ""]
    said = ""
    headings = dict(table.FAMILIES)
    for name, forms in table.forms().items():
        heading = headings[name.split(":")[0]]
        if heading != said:
            lines += [
                *([""] if said else []),
                f"## {heading}",
                "",
                "| Command | |",
                "| --- | --- |",
            ]
            said = heading
        lines.append(f"| [`{name}`]({name.replace(':', '-')}.md) | {_cell(summary(forms))} |")
    return "\n".join(lines) + "\n"


def _markdown(name: str, forms: Sequence[Declaration]) -> str:
    lines = [_NOTE, f"# setops {name}"]
    for form in forms:
        if form.setting is not None:
            lines += ["", f"## {form.key}"]
        lines += ["", "```", f"setops {usage(form)}", "```", "", form.help]
        if form.stages:
            lines += ["", _STAGED]
        lines += [*_rows("Value", form.arguments), *_rows("Flag", form.flags)]
        lines += ["", "```sh", f"setops {form.example}", "```"]
    return "\n".join(lines) + "\n"


def _rows(title: str, of: Sequence[Argument] | Sequence[Flag]) -> Iterator[str]:
    if not of:
        return
    yield from ("", f"| {title} | |", "| --- | --- |")
    for each in of:
        shown = flag_text(each) if isinstance(each, Flag) else argument_text(each)
        yield f"| `{shown}` | {_cell(_explained(each))} |"


def _explained(of: Argument | Flag) -> str:
    values = ", ".join(f"`{choice.value}`" for choice in of.choices)
    needed = " Required." if isinstance(of, Flag) and of.required else ""
    return of.description + (f" One of {values}." if values else "") + needed


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


def _man_index() -> str:
    lines = [_title("setops"), ".SH NAME", r"setops \- a platform as a service on Kubernetes"]
    lines += [".SH SYNOPSIS", r".B setops", r"[\fIflags\fR] \fICOMMAND\fR [\fIvalues\fR]"]
    lines += [".SH COMMANDS"]
    for name, forms in table.forms().items():
        lines += [".TP", rf"\fB{_roff(name)}\fR", _roff(summary(forms))]
    lines += [
        ".SH EXIT STATUS",
        ".TP",
        "0",
        "Success.",
        ".TP",
        "1",
        "Any error.",
        ".TP",
        "78",
        "Nothing is staged that could be committed or discarded.",
        ".SH ENVIRONMENT",
    ]
    for variable, text in _ENVIRONMENT.items():
        lines += [".TP", _roff(variable), _roff(text)]
    return "\n".join(lines) + "\n"


_ENVIRONMENT: Final = {
    "SETOPS_PROJECT, SETOPS_STAGE": "Project and Stage where the line names none.",
    "SETOPS_CONTEXT": "Context of the kubeconfig.",
    "KUBECONFIG": "The kubeconfig files.",
    "NO_COLOR": "No colour.",
}


def _man(name: str, forms: Sequence[Declaration]) -> str:
    lines = [_title(f"setops-{name.replace(':', '-')}"), ".SH NAME"]
    lines += [rf"setops {_roff(name)} \- {_roff(summary(forms))}", ".SH SYNOPSIS"]
    for form in forms:
        lines += [".PP", rf"\fBsetops\fR {_roff(usage(form))}"]
    lines.append(".SH DESCRIPTION")
    for form in forms:
        if form.setting is not None:
            lines.append(f".SS {_roff(form.key)}")
        lines += [".PP", _roff(form.help)]
        if form.stages:
            lines += [".PP", _roff(_STAGED.replace("`", ""))]
        of: list[Argument | Flag] = [*form.arguments, *form.flags]
        for each in of:
            shown = flag_text(each) if isinstance(each, Flag) else argument_text(each)
            text = _explained(each).replace("`", "")
            lines += [".TP", rf"\fB{_roff(shown)}\fR", _roff(text)]
        lines += [".PP", "Example:", ".PP", ".EX", _roff(f"setops {form.example}"), ".EE"]
    lines += [".SH SEE ALSO", r"\fBsetops\fR(1)"]
    return "\n".join(lines) + "\n"


def _title(name: str) -> str:
    return f'.TH "{_roff(name.upper())}" 1 "" "setops" "SetOps on Kubernetes"'


def _roff(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped
