/**
 * Entry of a worker.
 *
 * @module
 */
import { answerJobs } from "./worker_loop.ts";
import { openRuntime } from "./mod.ts";

answerJobs((name) => openRuntime(name));
