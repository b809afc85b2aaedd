package process

// pauseCode is the first process of a function's pid namespace. It mounts that namespace's /proc, which only a process
// inside may do, says on its standard output how that went, and then only lives: the kernel gives it what is
// orphaned, and when the life line on its standard input is cut it ends and everything in the namespace with it. It
// is a program of 108 bytes, because a Go process for each function would cost megabytes. Its arguments are its
// name, "proc" and where to mount.
//
//	mov rdi, [rsp+16]; mov rsi, [rsp+24]; mov rdx, rdi; push 14; pop r10; xor r8d, r8d; mov eax, 165
//	syscall                               mount("proc", target, "proc", NOSUID|NODEV|NOEXEC, NULL)
//	push rax; mov rsi, rsp; mov edi, 1; mov edx, 8; mov eax, 1
//	syscall                               write(1, &result, 8)
//	push 0; push 0; push 0; push 1        struct sigaction{SIG_IGN}
//	mov rsi, rsp; xor edx, edx; mov edi, 17; mov r10d, 8; mov eax, 13
//	syscall                               rt_sigaction(SIGCHLD, &act, NULL, 8): nothing needs reaping
//	again:
//	xor edi, edi; mov rsi, rsp; mov edx, 1; xor eax, eax
//	syscall                               read(0, buf, 1)
//	cmp rax, -4; je again                 EINTR
//	xor edi, edi; mov eax, 231
//	syscall                               exit_group(0)
const pauseCode = "\x48\x8b\x7c\x24\x10\x48\x8b\x74\x24\x18\x48\x89\xfa\x6a\x0e\x41\x5a\x45\x31\xc0\xb8\xa5\x00\x00\x00" +
	"\x0f\x05\x50\x48\x89\xe6\xbf\x01\x00\x00\x00\xba\x08\x00\x00\x00\xb8\x01\x00\x00\x00\x0f\x05" +
	"\x6a\x00\x6a\x00\x6a\x00\x6a\x01\x48\x89\xe6\x31\xd2\xbf\x11\x00\x00\x00\x41\xba\x08\x00\x00\x00\xb8\x0d\x00\x00\x00\x0f\x05" +
	"\x31\xff\x48\x89\xe6\xba\x01\x00\x00\x00\x31\xc0\x0f\x05\x48\x83\xf8\xfc\x74\xec" +
	"\x31\xff\xb8\xe7\x00\x00\x00\x0f\x05"

const pauseMachine = 62 // EM_X86_64
