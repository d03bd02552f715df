"""Logging in to the console with a key, and out again; without keys there is nothing to log in to.

The key is sent once; what stays in the browser is a token that no script can read and that ends
with its key.
"""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from app.console.brake import Brake
from app.console.forms import Form, read_form
from app.console.pages import PageRoute, redirect, render
from app.keys.doorkeeper import SESSION_COOKIE, Doorkeeper
from app.platform.errors import ApiError
from app.platform.http import PlatformDep

router = APIRouter(route_class=PageRoute)


async def get_doorkeeper(request: Request) -> Doorkeeper:
    """The doorkeeper of this process."""
    return cast(Doorkeeper, request.app.state.doorkeeper)


async def get_brake(request: Request) -> Brake:
    """The brake on guessing of this process."""
    return cast(Brake, request.app.state.login_brake)


DoorkeeperDep = Annotated[Doorkeeper, Depends(get_doorkeeper)]
BrakeDep = Annotated[Brake, Depends(get_brake)]


@router.get("/login")
async def ask(request: Request, doorkeeper: DoorkeeperDep) -> Response:
    """The page."""
    back = local_path(request.query_params.get("next", "/"))
    if await doorkeeper.keyless():
        return redirect(back)
    return render(request, "login.html", back=back, error=None)


@router.post("/login")
async def log_in(
    request: Request, platform: PlatformDep, doorkeeper: DoorkeeperDep, brake: BrakeDep
) -> Response:
    """Take a key; then back to the page that was asked for."""
    form: Form = await read_form(request)
    back = local_path(form.text("next", "/"))
    if await doorkeeper.keyless():
        return redirect(back)
    address = "" if request.client is None else request.client.host
    await brake.check(address)
    try:
        token = await doorkeeper.log_in(form.text("key").strip())
    except ApiError as error:
        if error.code != "unauthenticated":
            raise
        await brake.failed(address)
        return render(request, "login.html", status=401, back=back, error=error)
    answer = redirect(back)
    public = platform.settings.public_url or ""
    answer.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=round(platform.settings.session_hours * 3600),
        secure=request.url.scheme == "https" or public.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/logout")
async def log_out(request: Request, doorkeeper: DoorkeeperDep) -> Response:
    """End the session."""
    if (token := request.cookies.get(SESSION_COOKIE)) is not None:
        await doorkeeper.log_out(token)
    answer = redirect("/login")
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return answer


def local_path(given: str) -> str:
    """A path of this service; `/` for whatever a browser could take for another host's."""
    plain = given.isascii() and given.isprintable() and "\\" not in given
    return given if plain and given.startswith("/") and not given.startswith("//") else "/"
