"""The story, step by step. Each step runs what a user would run and insists on what it promises."""

import json
import re
import shlex
import time
from importlib.resources import files
from pathlib import Path

import click

from app.cli.demo.people import ADA, Browser, identity_file, pipeline_token, provider
from app.cli.demo.training import Reader, train
from app.cli.demo.walk import StepFailed, Walk, clearance_command, free_port

MODEL = "digit-reader"
STAGE = "evaluation"
WAIT_SECONDS = 30.0
_PAGES = re.compile(r'href="(/decisions/dec_[0-9a-f]+)"')


class Story:
    """One walk through the product in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.walk = Walk(folder)

    def tell(self) -> None:
        """Everything, in order. Raises StepFailed where a step does not do what it says."""
        started = time.monotonic()
        self._look_at_a_file()
        readers = self._train()
        self.walk.say("3. The service starts on an empty SQLite database and makes its first key.")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with (
            provider(self.folder, url) as issuer,
            self.walk.service(
                port,
                CLEARANCE_PUBLIC_URL=url,
                CLEARANCE_LOG_ORIGIN="localhost/clearance/log",
                CLEARANCE_IDENTITY_FILE=str(identity_file(self.folder)),
            ) as admin,
        ):
            click.echo(f"    listening on {self.walk.environment['CLEARANCE_URL']}")
            click.echo("    identity.yaml lets a repository's pipeline in by its own token, and")
            click.echo(f"    people by their groups at an identity provider, here {issuer.url}")
            self.walk.act_as(admin)
            self.walk.say("4. The product lead's policy is published; versions are immutable.")
            self.walk.run("policy", "push", "policy.yaml")
            token = pipeline_token(issuer)
            decisions = self._submit(readers, token)
            approved = self._settle(readers[1], decisions["2"], token)
            self.walk.act_as(admin)
            self._verify(approved)
        self._end(time.monotonic() - started)

    def _look_at_a_file(self) -> None:
        source = files("app.cli.demo")
        for name in ("policy.yaml", "lm_eval_results.json"):
            (self.folder / name).write_bytes((source / name).read_bytes())
        self.walk.say("1. Any result file, without a service: what does it show, honestly?")
        self.walk.run("check", "lm_eval_results.json")

    def _train(self) -> list[Reader]:
        self.walk.say("2. Three versions of a digit reader are trained and tested (scikit-learn).")
        readers = train(self.folder)
        for reader in readers:
            share = reader.right / reader.tested
            click.echo(
                f"    version {reader.version}: learnt from {reader.learnt_from} pictures, "
                f"reads {reader.right} of {reader.tested} right ({share:.1%})"
            )
        return readers

    def _submit(self, readers: list[Reader], pipeline: str) -> dict[str, str]:
        """Version 1 fails, 2 needs people, 3 passes; gives the decisions' ids."""
        self.walk.act_as(pipeline)
        click.echo("    (from here on with the pipeline's OIDC token; it holds no key)")
        told = {
            "1": (1, "Version 1 is plainly too weak: the evidence refutes it."),
            "2": (3, "Version 2 looks just good enough. Peers would pass it; is it shown?"),
            "3": (0, "Version 3 is shown to be good enough, overall and on every digit."),
        }
        found = {}
        for number, reader in enumerate(readers, 5):
            code, words = told[reader.version]
            self.walk.say(f"{number}. {words}")
            found[reader.version] = _id_in(self.walk.run(*self._submission(reader), expect=code))
        return found

    def _submission(self, reader: Reader) -> list[str]:
        named = ["--model", MODEL, "--version", reader.version, "--stage", STAGE]
        return ["submit", reader.results.name, *named]

    def _settle(self, reader: Reader, decision: str, pipeline: str) -> str:
        """The pipeline may not approve; Ada signs in, reads and does, while the pipeline waits.

        Gives the id of what she approved.
        """
        walk = self.walk
        walk.say("8. The pipeline may not wave its own version through; a person may.")
        asked = ("decision", "show", decision, "--output", "json")
        shown = json.loads(walk.run(*asked, expect=3, show=False))
        answer = ["review", "approve", shown["review"]["id"], "--role", "product_owner"]
        walk.run(*answer, "--digest", shown["digest"], expect=4)
        walk.say("   It asks again and waits; Ada signs in at the provider, reads, and approves.")
        url = walk.environment["CLEARANCE_URL"]
        waits = [*self._submission(reader), "--wait", "60s"]
        with Browser(url) as ada, walk.running(*waits, expect=0):
            ada.sign_in(ADA)
            page = self._newest(ada, decision)
            click.echo(f"    Ada's pages: {url}/ and {url}{page}")
            text = ada.open(page, says="Asked of you")
            fields = {"answer": "approve", "comment": "Good enough for a trial."}
            after = ada.press(text, f"{page}/answer", **fields)
            if "Approved by people" not in after:
                raise StepFailed("the page does not say that it is approved")
            click.echo("    Ada: approved. The pipeline that waited goes on:")
        walk.act_as(pipeline)
        walk.run("status", "--model", MODEL, "--version", "2", "--stage", STAGE)
        return page.rpartition("/")[2]

    def _newest(self, ada: Browser, before: str) -> str:
        """The page of what the pipeline asks now, once it stands in Ada's queue."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            queue = ada.open("/", says="For you")
            for page in _PAGES.findall(queue):
                if before not in page:
                    return str(page)
            time.sleep(0.2)
        raise StepFailed("what the pipeline asks does not come to Ada's queue")

    def _verify(self, decision: str) -> None:
        walk = self.walk
        walk.say("9. Nobody has to believe us: the decision is decided again, and proven recorded.")
        walk.run("decision", "replay", decision)
        walk.run("audit", "prove", decision)
        page = walk.run("decision", "report", decision, "--as", "html", show=False)
        if "<svg" not in page:
            raise StepFailed("the report has no picture")
        (self.folder / "report.html").write_text(page, encoding="utf-8")

    def _end(self, seconds: float) -> None:
        self.walk.say(f"Done in {seconds:.0f} seconds. What lies here now:")
        click.echo(f"    {self.folder / 'report.html'}   the decision as a page; open it")
        click.echo(f"    {self.folder / 'policy.yaml'}   the policy, to play with")
        url = self.walk.environment["CLEARANCE_DATABASE_URL"]
        command = shlex.join(clearance_command())
        self.walk.say("Try next:")
        click.echo(f"    {command} check YOUR_RESULTS.json")
        click.echo(f"    {command} policy new --from YOUR_RESULTS.json")
        click.echo(f"    CLEARANCE_DATABASE_URL={url} {command} serve")
        click.echo("    then open http://127.0.0.1:8000/ and sign in with a person's key:")
        person = "--role reviewer:product_owner --name you --person"
        click.echo(f"    CLEARANCE_DATABASE_URL={url} {command} key create {person}")


def _id_in(answer: str) -> str:
    found = re.search(r"\bdec_[0-9a-f]+", answer)
    if found is None:
        raise StepFailed("the answer names no decision")
    return found[0]
