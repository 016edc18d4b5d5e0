"""Hook of MkDocs: pages that stand outside `docs/`, and links from `docs/` to the rest of the repository.

Every link in the Markdown is relative to its file, so that it works where the repository is browsed. The site has other
paths: here a link that leaves `docs/` becomes one to the site's page, or to the file in the repository.
"""

import os.path
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
CARD = "models/darkdiff_models/pretrained/tiny/README.md"
PAGES = {
    "model-card.md": CARD,
    "architecture.md": "ARCHITECTURE.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
}
SITE_PAGES = {source: page for page, source in PAGES.items()}
RELATIVE_LINK = re.compile(r"\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the outside pages to the site."""
    for page, source in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Rewrite the links of one page.

    Args:
        markdown: text of the page.
        page: where it stands on the site.
        config: of the site, for the repository's address.
        files: of the site; not used.
    """
    here = page.file.src_uri
    source = PurePosixPath(PAGES.get(here, f"docs/{here}"))

    def on_site(link: re.Match[str]) -> str:
        target = os.path.normpath(source.parent / link["target"])
        if target.startswith("docs/"):
            inside = target.removeprefix("docs/")
        elif target in SITE_PAGES:
            inside = SITE_PAGES[target]
        else:
            return f"]({config.repo_url}/blob/main/{target}{link['anchor'] or ''})"
        return f"]({os.path.relpath(inside, PurePosixPath(here).parent)}{link['anchor'] or ''})"

    return RELATIVE_LINK.sub(on_site, markdown)
