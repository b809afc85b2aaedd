package process

// The runner and its keeper talk over a socket of packets: one order or notice is one packet, JSON, with descriptors
// beside it. Orders of launch carry the function's standard output, standard error and telemetry pipe and the
// read end of its life line, in this order; the notice that answers carries the sockets of launch.Listen.

// order is what the runner asks of the keeper.
type order struct {
	Seq    uint64
	Launch *launch  `json:",omitempty"`
	Signal *sending `json:",omitempty"`
}

// notice is what the keeper tells the runner: the answer to an order, or that a process has ended.
type notice struct {
	Seq    uint64 `json:",omitempty"` // of the order that is answered; 0: Pid has ended
	Pid    int
	Status uint32 `json:",omitempty"` // wait status of Pid
	Err    string `json:",omitempty"`
}

// sending is a signal to the process group of a process that the keeper started and has not seen end.
type sending struct {
	Pid    int
	Signal int
}

// launch describes a process and the world that it gets.
type launch struct {
	Argv []string
	Env  []string
	Dir  string
	UID  int // user and group id, as the keeper's user namespace has them; -1: those of the keeper

	Root   *root    `json:",omitempty"` // nil: the host's files, and no namespaces at all
	Net    bool     // a network of its own; only with Root
	Host   string   // host name; only with Root
	Listen []listen `json:",omitempty"` // sockets to open in that network

	Tasks     []string `json:",omitempty"` // cgroup v1: files to which the thread's id is written
	CgroupDir string   `json:",omitempty"` // cgroup v2: folder of the group

	Read  []string `json:",omitempty"` // files and folders that it may read and execute (landlock); none: no limit
	Write []string `json:",omitempty"` // files and folders that it may change
}

// listen is a socket address in a function's own network.
type listen struct {
	UDP  bool
	Port int
}

// root is a private file system: an empty, small, read-only one in memory, on which these are put.
type root struct {
	At     string   // an empty folder on which it is mounted for a moment
	Binds  []bind   // read-only views of the host's files and folders
	Links  []link   // symbolic links
	Files  []file   // small files of its own
	Layers []string // folders merged as /opt, the first one on top
	TmpMB  int      // size of /tmp in memory; 0: TmpDir
	TmpDir string   // a folder of the host to be /tmp
}

type bind struct{ Source, Target string }

type link struct{ Path, To string }

type file struct{ Path, Text string }
