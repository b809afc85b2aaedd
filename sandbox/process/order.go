package process

// The runner and its keeper talk over a socket of packets: one order or notice is one packet, JSON, with descriptors
// beside it. Orders of launch carry the function's standard output, standard error and telemetry pipe, the read end of
// its life line, and the output of extensions, in this order; the notice that answers carries the sockets of
// launch.Listen. When there are extensions it tells of their processes, and the runtime's own is started by the order
// to go on, whose notice tells of it.

// launchFiles is how many descriptors come with an order of launch.
const launchFiles = 5

// order is what the runner asks of the keeper.
type order struct {
	Seq    uint64
	Launch *launch  `json:",omitempty"`
	GoOn   *goOn    `json:",omitempty"`
	Dial   *dialing `json:",omitempty"`
	Signal *sending `json:",omitempty"`
}

// goOn lets a launch whose extensions run start the runtime, or gives it up.
type goOn struct {
	Launch uint64 // Seq of its order
	Cancel bool
}

// dialing asks for a connection inside the network of a process; the notice carries its socket.
type dialing struct {
	Pid  int
	Port int // on 127.0.0.1
}

// notice is what the keeper tells the runner: the answer to an order, or that a process has ended.
type notice struct {
	Seq    uint64 `json:",omitempty"` // of the order that is answered; 0: Pid has ended
	Pid    int
	Others []int  `json:",omitempty"` // processes of launch.Extensions, in their order
	Init   int    `json:",omitempty"` // with Launch.Root: the first process of the new pid namespace
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

	// Extensions are programs that are started before Argv, with the same environment and folder as it.
	Extensions [][]string `json:",omitempty"`

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
