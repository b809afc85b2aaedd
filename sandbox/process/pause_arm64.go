package process

// pauseCode is the first process of a function's pid namespace; see pause_amd64.go.
//
//	ldr x0, [sp, #16]; ldr x1, [sp, #24]; mov x2, x0; mov x3, #14; mov x4, #0; mov x8, #40; svc #0    mount
//	sub sp, sp, #32; str x0, [sp]; mov x0, #1; mov x1, sp; mov x2, #8; mov x8, #64; svc #0            write
//	mov x8, #1; mov x9, #0; stp x8, x9, [sp]; stp x9, x9, [sp, #16]
//	mov x0, #17; mov x1, sp; mov x2, #0; mov x3, #8; mov x8, #134; svc #0                      rt_sigaction
//	again: mov x0, #0; mov x1, sp; mov x2, #1; mov x8, #63; svc #0                                     read
//	cmn x0, #4; b.eq again
//	mov x0, #0; mov x8, #94; svc #0                                                              exit_group
const pauseCode = "\xe0\x0b\x40\xf9\xe1\x0f\x40\xf9\xe2\x03\x00\xaa\xe3\x0b\x7f\xb2\xe4\x03\x1f\xaa\x08\x05\x80\xd2\x01\x00\x00\xd4" +
	"\xff\x83\x00\xd1\xe0\x03\x00\xf9\xe0\x03\x40\xb2\xe1\x03\x00\x91\xe2\x03\x7d\xb2\xe8\x03\x7a\xb2\x01\x00\x00\xd4" +
	"\xe8\x03\x40\xb2\xe9\x03\x1f\xaa\xe8\x27\x00\xa9\xe9\x27\x01\xa9" +
	"\x20\x02\x80\xd2\xe1\x03\x00\x91\xe2\x03\x1f\xaa\xe3\x03\x7d\xb2\xc8\x10\x80\xd2\x01\x00\x00\xd4" +
	"\xe0\x03\x1f\xaa\xe1\x03\x00\x91\xe2\x03\x40\xb2\xe8\x17\x40\xb2\x01\x00\x00\xd4\x1f\x10\x00\xb1\x40\xff\xff\x54" +
	"\xe0\x03\x1f\xaa\xc8\x0b\x80\xd2\x01\x00\x00\xd4"

const pauseMachine = 183 // EM_AARCH64
