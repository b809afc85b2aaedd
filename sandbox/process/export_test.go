package process

import (
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/process/cgroup"
)

// Only makes r use the n-th way to start functions of a user with the id euid, and no other, for tests.
func (r *Runner) Only(euid, n int) {
	r.modes = func() []mode { return modes(euid)[n : n+1] }
}

// WithoutGroups makes r do without control groups.
func (r *Runner) WithoutGroups() { r.groups = &cgroup.Control{} }

// KeeperPID is the process that starts functions.
func (r *Runner) KeeperPID() int { return r.keeping.pid() }

// Pid is the process of the runtime of an environment.
func Pid(e sandbox.Environment) int { return e.(*environment).pid }

// Weight is the share of processor time of an environment; ok is false where groups do not weigh.
func Weight(e sandbox.Environment) (n int, ok bool) { return e.(*environment).group.Weight() }

// Places is how many environments start at the same time.
func (r *Runner) Places() int { return cap(r.starting) }

// Unhurried gives extensions more time at the end than Lambda does: whether they were told is no matter of how fast the
// machine is.
func (r *Runner) Unhurried() { r.farewellExternal, r.farewellInternal = 10*time.Second, time.Minute }

// SmallTmp makes every /tmp a folder.
func (r *Runner) SmallTmp() { r.tmpfsMax = 0 }
