// pm2 start ecosystem.config.cjs; PM2_CONCURRENT_ACTIONS=1 pm2 reload ecosystem.config.cjs
const { PORTS = "8080,8081" } = process.env;

module.exports = {
  // Two processes on two ports, for a proxy in front of them. With `instances`, a reload of this file would give each of
  // them the same port. In the mode `cluster`, they would share a port, and a client that comes back would reach any of
  // them, instead of the one that has its session.
  apps: PORTS.split(",").map((port) => ({
    name: `greenroom-${port}`,
    script: "server.js",
    exec_mode: "fork",
    env: { PORT: port },
    // A reload goes on to the next process when this one serves.
    wait_ready: true,
    listen_timeout: 20_000,
    // More than `drainMs` and the five seconds in which the layers close. PM2 sends SIGINT before.
    kill_timeout: 20_000,
  })),
};
