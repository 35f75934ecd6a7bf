# SPDX-License-Identifier: Apache-2.0
# world32.s - a 32-bit program: maps memory, grows its heap, writes a line, exits with status 0.
	.globl _start
	.text
_start:
	mov $192, %eax		# mmap2(0, 65536, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
	xor %ebx, %ebx
	mov $65536, %ecx
	mov $3, %edx
	mov $0x22, %esi
	mov $-1, %edi
	xor %ebp, %ebp
	int $0x80
	cmp $0xfffff000, %eax
	ja bad
	movl $42, 32768(%eax)
	mov $91, %ebx
	xchg %eax, %ebx		# munmap
	mov $65536, %ecx
	int $0x80
	test %eax, %eax
	jnz bad
	mov $4, %eax		# write
	mov $1, %ebx
	mov $text, %ecx
	mov $length, %edx
	int $0x80
	mov $1, %eax		# exit
	xor %ebx, %ebx
	int $0x80
bad:
	mov $1, %eax
	mov $1, %ebx
	int $0x80
	.data
text:	.ascii "32 bits are enough\n"
	.set length, . - text
