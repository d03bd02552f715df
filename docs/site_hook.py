"""What pages link to outside `docs/` becomes part of the site, and those links lead there.

Links are written as they work in the repository (`../deploy/alerts.yml`). Files that pages name so
are copied to `project/` of the site, and the links are turned to them. A page that would load
anything from another host ends the build.
"""

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

_LINK = re.compile(r"(?<=\]\()(?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"(?:https?:)?//[^>]*>")
_FOLDER = "project"


def on_files(files: Files, config: Any) -> Files:
    """Add the files outside `docs/` that pages link to, and those that these link to in turn."""
    root = Path(config.docs_dir).parent
    waiting = [file.src_uri for file in files.documentation_pages()]
    while waiting:
        page = waiting.pop()
        text = _source(page, root).read_text(encoding="utf-8")
        for link in _LINK.finditer(text):
            uri = _outside(page, link["path"])
            if uri and not files.get_file_from_path(uri) and _source(uri, root).is_file():
                files.append(File.generated(config, uri, abs_src_path=str(_source(uri, root))))
                if uri.endswith(".md"):
                    waiting.append(uri)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links that leave `docs/`, and those of pages from outside, to where the files are."""
    here = page.file.src_uri

    def turned(link: "re.Match[str]") -> str:
        uri = _uri(here, link["path"])
        return posixpath.relpath(uri, posixpath.dirname(here) or ".") + (link["anchor"] or "")

    return _LINK.sub(turned, markdown)


def on_post_page(output: str, page: Any, config: Any) -> None:
    """Refuse what would come from another host."""
    if found := _LOADED.search(output):
        raise PluginError(f"{page.file.src_uri} loads from another host: {found[0]}")


def _outside(page: str, link: str) -> str | None:
    """The file's place in the site, if it is outside `docs/`."""
    uri = _uri(page, link)
    return uri if uri.startswith(f"{_FOLDER}/") else None


def _uri(page: str, link: str) -> str:
    """Where in the site what a page links to lies."""
    outside = page.startswith(f"{_FOLDER}/")
    place = page.removeprefix(f"{_FOLDER}/") if outside else f"docs/{page}"
    linked = PurePosixPath(posixpath.normpath(posixpath.join(posixpath.dirname(place), link)))
    if linked.parts[0] == "docs":
        return str(linked.relative_to("docs")) if len(linked.parts) > 1 else "index.md"
    return f"{_FOLDER}/{linked}"


def _source(uri: str, root: Path) -> Path:
    """The file in the repository."""
    if uri.startswith(f"{_FOLDER}/"):
        return root / uri.removeprefix(f"{_FOLDER}/")
    return root / "docs" / uri
