// Loaded before a program of demo/all.ts. If that process dies, the program ends as on SIGTERM.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
