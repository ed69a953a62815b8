/** What the daemon says, and what the page makes of it. Not served: for the type checker only. */

export type StateName =
    | "STOPPED" | "STARTING" | "RUNNING" | "BACKOFF" | "STOPPING" | "EXITED" | "FATAL" | "UNKNOWN";

export type Role = "viewer" | "operator" | "admin";

/** A program as the daemon tells it. Times are seconds since the epoch. */
export interface Told {
    id: string;
    node: string;
    name: string;
    group: string;
    statename: StateName;
    pid: number;
    start: number;
    stop: number;
    changed: number;
    reason: string;
    command: string;
    priority: number;
    exit: { code: number } | { signal: string; core: boolean } | null;
    tries: number;
    retries: number;
    retry_at: number;
    restarts: number;
    restarts_last_hour: number;
    starts: number[];
    history: [number, StateName][];
    status_text: string;
    control_group: string;
    stdout_logfile: string;
    stderr_logfile: string;
    spawnerr: string;
}

export interface Usage {
    cpu_percent: number;
    mem_total: number;
    mem_used: number;
    mem_used_percent: number;
}

export interface Supervisor {
    node: string;
    identifier: string;
    version: string;
    pid: number;
    statename: string;
    started: number;
    config_file: string;
    role: Role;
    user: string | null;
}

export interface Snapshot {
    time: number;
    supervisor: Supervisor;
    groups: { name: string; priority: number }[];
    processes: Told[];
    history?: Record<string, [number, number, number][]>;
    node_history?: [number, number, number][];
}

/** A node that is told of: its programs come with it. */
export interface ToldNode extends Partial<Usage> {
    name: string;
    status: "ONLINE" | "OFFLINE";
    error?: string | null;
    programs?: Told[];
}

/** What is told of a program when it is asked for: how it is configured. */
export interface Detail {
    directory: string | null;
    user: string | null;
    umask: string | null;
    priority: number;
    autostart: boolean;
    autorestart: string | boolean;
    startsecs: number;
    startretries: number;
    stopsignal: string | string[];
    stopwaitsecs: number;
    exitcodes: number[];
    notify: boolean;
    watchdogsecs?: number;
    environment: string[];
    config: { file: string; line: number } | null;
    conf_file?: string | null;
    logs: { stdout: LogDetail | null; stderr: LogDetail | null };
    limits: Record<string, unknown>;
    health?: unknown;
    readiness?: unknown;
    depends_on?: unknown;
}

export interface LogDetail {
    path: string;
    size: number | null;
    maxbytes: number;
    backups: number;
}

export interface Match {
    offset: number;
    line: string;
}
