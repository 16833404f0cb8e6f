using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .site),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);

const site :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.out.mjs")],
  compatibilityDate = "2026-01-01",
  bindings = [(name = "SITE_SETTINGS", fromEnvironment = "SITE_SETTINGS")],
);
