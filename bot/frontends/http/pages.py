"""The page to talk with the bot in a browser, and the script that opens it on other websites.

They are plain files in `page/`, without a build step and without anything from elsewhere. The page
uses the same addresses as other clients. It contains no key: who may use it is `Access`'s decision.
"""

import hashlib
from pathlib import Path
from string import Template

from fastapi import FastAPI, Request, Response
from starlette.routing import Route

from bot.frontends.http.access import MAX_VISITOR_CHARACTERS, Access
from bot.frontends.http.problems import Problem
from bot.frontends.http.schemas import MAX_CHARACTERS

FOLDER = Path(__file__).with_name("page")

PAGE, STYLE, SCRIPT, ICON, WIDGET = "/", "/page.css", "/page.js", "/icon.svg", "/widget.js"
PATHS = (PAGE, STYLE, SCRIPT, ICON, WIDGET)

WIDGET_SECONDS = 3600
"""For which browsers use the widget's script without asking whether it has changed."""

_SAFE = {
    "Cache-Control": "no-cache",  # ask each time: the page and its script must be of one version
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def install(app: FastAPI, access: Access) -> None:
    """Adds the addresses, which are no part of the OpenAPI document."""
    page = Template((FOLDER / "index.html").read_text("utf-8")).substitute(
        needs_key=_flag(access.needs_key and not access.has_visitors),
        is_public=_flag(access.has_visitors),
        max_characters=MAX_VISITOR_CHARACTERS if access.has_visitors else MAX_CHARACTERS,
    )
    html = {
        "Content-Security-Policy": _policy(access.origins),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    if not access.origins:
        html["X-Frame-Options"] = "DENY"  # for browsers that do not know frame-ancestors
    _add(app, PAGE, page.encode(), "text/html", html)
    for path, media_type in (
        (STYLE, "text/css"),
        (SCRIPT, "text/javascript"),
        (ICON, "image/svg+xml"),
    ):
        _add(app, path, (FOLDER / path[1:]).read_bytes(), media_type)
    if access.origins:
        shared = {
            "Cache-Control": f"public, max-age={WIDGET_SECONDS}",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        _add(app, WIDGET, (FOLDER / WIDGET[1:]).read_bytes(), "text/javascript", shared)
    else:
        app.router.routes.append(Route(WIDGET, _no_widget, methods=["GET"]))


def _policy(origins: tuple[str, ...]) -> str:
    """The Content-Security-Policy: only the page's own files and addresses, and no HTML that a
    script makes of text."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {' '.join(origins) or chr(39) + 'none' + chr(39)}",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _add(
    app: FastAPI, path: str, content: bytes, media_type: str, headers: dict[str, str] | None = None
) -> None:
    """Serves `content`, or 304 to a browser that has it."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    all_headers = {**_SAFE, **(headers or {}), "ETag": tag}

    async def serve(request: Request) -> Response:
        # A proxy that compresses the file makes the tag a weak one.
        known = request.headers.get("if-none-match", "").split(",")
        if tag in (each.strip().removeprefix("W/") for each in known):
            return Response(status_code=304, headers=all_headers)
        return Response(content, media_type=media_type, headers=all_headers)

    app.router.routes.append(Route(path, serve, methods=["GET"]))  # Starlette adds HEAD


async def _no_widget(_request: Request) -> Response:
    raise Problem(404, "No website may show the chat: set HTTP_WIDGET_ORIGINS, see docs/http.md.")
