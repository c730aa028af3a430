"""The gateway's process: `python -m qalqan_ops.serve`, started by `qalqan up` with its settings in the environment."""

from __future__ import annotations

from qalqan_ops import offswitch

offswitch.apply()

import gc  # noqa: E402
import sys  # noqa: E402

import uvicorn  # noqa: E402

from qalqan_guardrails.errors import GuardrailsError  # noqa: E402
from qalqan_knowledge.errors import KnowledgeError  # noqa: E402
from qalqan_ops import logs  # noqa: E402
from qalqan_ops.errors import OpsError  # noqa: E402
from qalqan_ops.settings import load  # noqa: E402
from qalqan_serving.errors import QalqanError  # noqa: E402


def main() -> int:
    """Serves until SIGTERM; 2 and one sentence when a part can't be opened."""
    logs.configure()
    try:
        settings = load()
        from qalqan_ops.stack import assemble

        app = assemble(settings) if settings.workers == 1 else "qalqan_ops.stack:create_app"
    except (OpsError, GuardrailsError, KnowledgeError, QalqanError) as error:
        print(error, file=sys.stderr)
        return 2
    # What was built at the start lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    uvicorn.run(
        app,
        factory=settings.workers > 1,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
