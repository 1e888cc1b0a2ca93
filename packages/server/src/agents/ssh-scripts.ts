/**
 * What runs on a machine before the agent does: POSIX sh and the tools that every Linux has, busybox's
 * included. Answers are lines `berth:NAME=VALUE`, so that what a login shell prints besides does no harm.
 * Nothing secret is ever a word of a command.
 *
 *   ~/.berth-agent/bin/PROGRAM-SHA256    programs, shared by all agents of this user
 *   ~/.berth-agent/SHORT/                one agent: its journal, jobs, socket (a socket's path has room for 107 bytes)
 */

/**
 * $1 the agent's short name, the other words programs. `running` is an agent that has its lock, or was told to
 * start and has not come that far; a pid alone may be another process's by now.
 */
export const LOOK = `
say() { printf 'berth:%s=%s\\n' "$1" "$2"; }
say system "$(uname -s) $(uname -m)"
say home "$HOME"
command -v gzip >/dev/null 2>&1 && say gzip yes
node=$(command -v node 2>/dev/null) && say node "$node" && say version "$("$node" --version 2>/dev/null)"
dir="$HOME/.berth-agent/$1"
for pid in $(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' "$dir/agent.pid" 2>/dev/null) $(cat "$dir/started" 2>/dev/null); do
  grep -qF "$dir/agent.sock" "/proc/$pid/cmdline" 2>/dev/null && say running "$pid"
done
[ -S "$dir/agent.sock" ] && say socket yes
shift
for name; do [ -s "$HOME/.berth-agent/bin/$name" ] && say has "$name"; done
:`;

/** Takes a program from stdin. $1 its name, $2 its SHA-256, $3 how it is packed: gzip or plain. */
export const TAKE = `
umask 077
bin="$HOME/.berth-agent/bin"
mkdir -p "$bin" || exit 1
find "$bin" -name '.part-*' -mtime +0 -exec rm -f {} + 2>/dev/null
part="$bin/.part-$1-$$"
trap 'rm -f "$part"' EXIT
trap 'exit 1' HUP INT TERM
if [ "$3" = gzip ]; then gzip -dc >"$part"; else cat >"$part"; fi || exit 1
sum=$(sha256sum <"$part") || exit 1
if [ "\${sum%% *}" != "$2" ]; then echo "what arrived has the checksum \${sum%% *}, not $2" >&2; exit 1; fi
chmod 700 "$part" && { sync "$part" 2>/dev/null || sync; } && mv -f "$part" "$bin/$1"`;

/**
 * Starts the agent; its secret is the one line of stdin. $1 its short name, $2 Node, $3 the agent's program,
 * $4 the instance. Its output goes to a file of its own, which tells why it did not start.
 */
export const START = `
umask 077
dir="$HOME/.berth-agent/$1"
mkdir -p "$dir" && cd "$dir" || exit 1
IFS= read -r BERTH_AGENT_SECRET || exit 1
NODE_COMPILE_CACHE="$HOME/.berth-agent/cache"
export BERTH_AGENT_SECRET NODE_COMPILE_CACHE
apart=$(command -v setsid || echo nohup)
"$apart" "$2" "$3" --dir "$dir" --socket "$dir/agent.sock" --instance "$4" </dev/null >"$dir/agent.out" 2>&1 &
echo $! >"$dir/started"`;

/** The end of what an agent said that did not come up. $1 its short name. */
export const LAST_WORDS = `tail -c 2000 "$HOME/.berth-agent/$1/agent.out"`;
