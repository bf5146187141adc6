"""GPU hours that run out on a site that goes on without: the server comes back on a CPU."""

import json
import time

import pytest
from tests.support.gpu_site import GpuSite
from tests.support.loads import people_at_work
from tests.support.notebook_tab import COUNTS, lines
from tests.support.site_rows import claim_of, rows, sentences
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SAVE_SECONDS = 60


def test_a_server_whose_gpu_hours_end_goes_on_without_and_loses_nothing_that_was_printed(
    gpu_site: GpuSite, gpu_seconds: int
) -> None:
    gpu_site.make_group("few-hours", "gil")
    server = gpu_site.start_server("gil", image="base", flavour="whole")
    ready = time.monotonic()
    with people_at_work() as begun:
        # On its card all the time, and nobody looks.
        code = COUNTS.replace("import time", "import time\ncard(900, 60)\nprint('begun')")
        begun.tab(server, "work", code)[0].socket.close()
        wait_until(lambda: sentences(gpu_site, "gil", "hours"), seconds=20, what="a warning")
        (warning,) = sentences(gpu_site, "gil", "hours")
        assert "this server starts again without a GPU" in warning
        wait_until(
            lambda: claim_of(gpu_site, "gil")[1], seconds=gpu_seconds + SAVE_SECONDS, what="the end"
        )
        ended = time.monotonic() - ready
        assert claim_of(gpu_site, "gil")[0] == "hours"
        assert gpu_seconds - 5 < ended < gpu_seconds + SAVE_SECONDS

        def is_back() -> bool:
            found = gpu_site.operator("GET", "/users/gil").json()["servers"].get("", {})
            return bool(found.get("ready")) and found["user_options"]["flavour"] == "cpu"

        wait_until(is_back, seconds=60, what="the server is there without a GPU")
        again = time.monotonic() - ready
        found = json.loads(gpu_site.cards.run("inspect", server.container))[0]
        assert not found["HostConfig"]["DeviceRequests"]
        assert "NVIDIA_VISIBLE_DEVICES=void" in found["Config"]["Env"]
        with server.client() as http:
            answer = http.get("api/contents/work.ipynb", params={"content": "1"})
            outputs = answer.raise_for_status().json()["content"]["cells"][0]["outputs"]
    text = "".join("".join(one["text"]) for one in outputs if one["output_type"] == "stream")
    printed = lines(text)
    print(f"ended after {ended:.0f} s, back after {again:.0f} s, {len(printed)} lines")
    assert printed == list(range(len(printed)))
    # Nearly ten a second, as long as the machine is quick enough for that.
    assert len(printed) > 5 * (gpu_seconds - 10)
    assert outputs[-1]["ename"] == "KeyboardInterrupt"
    charged = rows(gpu_site, "select sum(gpu_seconds) from usage where user = 'gil'")[0][0]
    assert charged == pytest.approx(gpu_seconds, abs=20)
    refused = gpu_site.operator("POST", "/users/gil/servers/more", json={"flavour": "whole"})
    assert refused.status_code == 403
    assert "GPU hours of your plan, “Short”" in refused.json()["message"]
    gpu_site.stop_server("gil")
