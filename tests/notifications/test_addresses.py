"""The guard: nothing is sent inside, by whatever name, and nothing but what was checked is reached.

Names are looked up by a resolver of the test; the servers behind it are real.
"""

import socket
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from app.notifications.schemas import Message, MessageData
from app.notifications.sending import Outcome, Sending
from app.notifications.webhooks import Webhooks
from app.platform import addresses
from app.platform.addresses import GuardedTransport, check_url, is_public, resolve
from app.platform.clock import now
from app.platform.errors import ApiError
from tests.notifications.conftest import Receiver, receiver, until, verified

SECRET = "whsec_" + "A" * 32
INSIDE = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.31.255.255"),
    *("192.168.0.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1"),
    *("192.0.2.1", "192.88.99.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "fec0::1", "fd00::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "2002:a00:1::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2001::1", "3fff::1", "100::1"),
]
OUTSIDE = [
    *("1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "223.255.255.1"),
    *("2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "2002:101:101::1", "64:ff9b::101:101"),
]
REFUSED = [
    *("", "example.org", "ftp://example.org", "file:///etc/passwd", "http://", "http:///x"),
    *("http://xn--a/", "http://xn--/"),
    *("http://user@example.org", "https://user:word@example.org", "http://example.org:99999"),
    *("http://127.0.0.1", "http://127.1", "http://2130706433", "http://0x7f.0.0.1", "http://0"),
    *("http://0177.0.0.1", "http://[::1]:80", "http://[::ffff:7f00:1]", "http://[fe80::1%25lo]"),
    *("http://localhost", "http://LOCALHOST.:8000", "http://a.localhost", "http://10.0.0.1."),
    *("http://exa\nmple.org", "http://example.org\r\nX: y", "http://\uff11\uff12\uff17.0.0.1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_inside(address: str) -> None:
    """Private, loopback, link-local, shared, reserved; also as a part of an IPv6 address."""
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address: str) -> None:
    """The neighbours of those, and the same forms of public addresses."""
    assert is_public(address)


@pytest.mark.parametrize("url", REFUSED)
def test_urls_that_are_refused(url: str) -> None:
    """What is not http or https, has a name in it, or an address inside, however it is written."""
    with pytest.raises(ApiError) as refused:
        check_url(url, private=False)
    assert refused.value.code == "forbidden_address"
    assert not url or url not in refused.value.detail


def test_urls_that_are_accepted() -> None:
    """Names are looked up later; inside is allowed where the settings say so."""
    for url in ("https://example.org/a?b=c", "http://1.1.1.1:8080", "http://[2606:4700::1111]/"):
        assert str(check_url(url, private=False)) == url
    assert check_url("http://127.0.0.1:80/", private=True).host == "127.0.0.1"
    for url in ("http://user@127.0.0.1/", "gopher://127.0.0.1/"):
        with pytest.raises(ApiError):
            check_url(url, private=True)


class Names:
    """A resolver that knows what it is told, and keeps what it was asked."""

    def __init__(self, **found: Sequence[str]) -> None:
        self._found = found
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name by its first part; an address is its own."""
        self.asked.append(host)
        first = host.partition(".")[0]
        if first in self._found:
            return self._found[first]
        if first.isdigit():
            return [host]
        raise OSError("no such host")


async def send(webhooks: Webhooks, address: str) -> Outcome:
    data = MessageData(
        id="ft_1",
        type="fine_tune",
        name=None,
        status="succeeded",
        error_code=None,
        model_id=None,
        created_at=now(),
        started_at=None,
        finished_at=None,
        link=None,
    )
    message = Message(type="fine_tune.succeeded", timestamp=now(), data=data)
    return await webhooks.send(Sending("webhook", "nt_1", address, SECRET, "msg_1", message, 1))


@pytest.mark.parametrize("found", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:7f00:1"]])
async def test_a_name_that_leads_inside_is_refused(found: list[str]) -> None:
    """One address inside is enough: nothing is connected to."""
    names = Names(hook=found)
    with receiver() as here:
        port = here.address.rpartition(":")[2]
        outcome = await send(Webhooks(private=False, resolver=names), f"http://hook.test:{port}/")
        assert outcome.error == "forbidden_address"
        assert here.posts == []


async def test_the_address_that_was_checked_is_connected_to() -> None:
    """The name is looked up once, by the guard, and stays the request's Host."""
    names = Names(hook=["127.0.0.3", "127.0.0.1"])  # nobody listens on the first one
    with receiver() as here:
        port = here.address.rpartition(":")[2]
        outcome = await send(Webhooks(private=True, resolver=names), f"http://hook.test:{port}/a")
        assert outcome == Outcome(None, 204)
    [post] = here.posts
    assert post.headers["host"] == f"hook.test:{port}"
    assert names.asked == ["hook.test"]
    verified(post, SECRET)


async def test_a_name_of_nothing_is_unreachable() -> None:
    """By the machine's own resolver, too: also what is too long for a name."""
    for resolver in (Names(), resolve):
        for name in ("nowhere.invalid", f"{'a' * 64}.invalid"):
            outcome = await send(Webhooks(private=False, resolver=resolver), f"http://{name}/")
            assert outcome == Outcome("unreachable")
    assert (await resolve("127.0.0.1", 80)) == ["127.0.0.1"]


@pytest.mark.parametrize("place", ["http://127.0.0.1:{port}/", "http://inside.test:{port}/"])
async def test_a_redirect_inside_is_refused(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """From a server that may be reached to one that may not, by address and by name."""
    monkeypatch.setattr(addresses, "is_public", lambda a: a == "127.0.0.2" or is_public(a))
    names = Names(outside=["127.0.0.2"], inside=["127.0.0.1"])
    with receiver("127.0.0.2") as outside, receiver() as inside:
        location = place.format(port=inside.address.rpartition(":")[2])
        outside.answer = lambda _n, _post: (307, {"location": location})
        port = outside.address.rpartition(":")[2]
        webhooks = Webhooks(private=False, resolver=names)
        outcome = await send(webhooks, f"http://outside.test:{port}/")
        assert outcome.error == "forbidden_address"
        assert (len(outside.posts), len(inside.posts)) == (1, 0)
        outside.answer = lambda _n, _post: (307, {"location": "http://user@outside.test/"})
        outcome = await send(webhooks, f"http://outside.test:{port}/")
        assert outcome.error == "forbidden_address"


async def test_another_call_is_no_redirect() -> None:
    """303 asks to fetch something: a message sent there would be one that nobody asked for."""
    with receiver() as here:
        here.answer = lambda _n, _post: (303, {"location": here.address})
        assert await send(Webhooks(private=True), here.address) == Outcome("refused", 303)
        assert len(here.posts) == 1


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """That of `hook.test`, trusted by this process."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    named = ["-subj", "/CN=hook.test", "-addext", "subjectAltName=DNS:hook.test"]
    files = ["-keyout", str(key), "-out", str(cert)]
    command = ["openssl", "req", "-x509", *kind, *named, *files]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_the_certificate_has_to_be_of_the_name(certificate: ssl.SSLContext) -> None:
    """Not of the address that is connected to; one of another name is refused."""
    names = Names(hook=["127.0.0.1"], other=["127.0.0.1"])
    with receiver(tls=certificate) as here:
        port = here.address.rpartition(":")[2]
        webhooks = Webhooks(private=True, resolver=names)
        assert (await send(webhooks, f"https://hook.test:{port}/")) == Outcome(None, 204)
        assert (await send(webhooks, f"https://other.test:{port}/")) == Outcome("unreachable")
        # What was signed for a secure connection does not go on over one that is not.
        here.answer = lambda _n, _post: (307, {"location": f"http://hook.test:{port}/"})
        outcome = await send(webhooks, f"https://hook.test:{port}/")
        assert outcome == Outcome("forbidden_address", 307)


async def test_it_serves_a_client_of_httpx() -> None:
    """As any transport does: a GET, and the answer's body."""
    with receiver() as here:
        async with httpx.AsyncClient(transport=GuardedTransport(private=True)) as client:
            answer = await client.get(here.address)
        assert answer.status_code == 501  # the receiver knows POST alone
        async with httpx.AsyncClient(transport=GuardedTransport(private=False)) as client:
            with pytest.raises(ApiError):
                await client.get(here.address)


def test_a_receiver_is_real(hook: Receiver) -> None:
    """The tests above would see a request that came through."""
    assert httpx.post(hook.address, content=b"{}").status_code == 204
    assert len(hook.posts) == 1


async def test_an_answer_without_end_is_cut_off() -> None:
    """Its status is what counts; no more than a little of the rest is read."""
    with receiver() as here:
        here.answer, here.endless = lambda _n, _post: (200, {}), True
        assert await send(Webhooks(private=True), here.address) == Outcome(None, 200)
        await until(lambda: here.cut_off)
        assert here.sent < 32 * 2**20  # what the buffers of the system hold


async def test_an_ipv6_address() -> None:
    """As a host, and as what a name is found at."""
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        with receiver("::1") as here:
            port = here.address.rpartition(":")[2]
            webhooks = Webhooks(private=True, resolver=Names(hook=["::1"]))
            assert await send(webhooks, f"http://hook.test:{port}/") == Outcome(None, 204)
            assert await send(Webhooks(private=True), here.address) == Outcome(None, 204)
        return
    pytest.skip("this machine has no IPv6")
