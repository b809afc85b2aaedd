package process

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const auditArch = unix.AUDIT_ARCH_AARCH64

var forbiddenHere = []uint32{unix.SYS_KEXEC_FILE_LOAD}

func foreignCalls() []bpf.Instruction { return nil }
