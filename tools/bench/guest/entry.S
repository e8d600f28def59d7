/* Where the benchmark image begins, and those of its kernels that change the ring.

   Loaded at 1 MiB by the boot sector of the demonstration guest. The driver writes the name of the kernel that is to
   run, ended by a 0, and how many turns of it, into the block behind the first jump. */

        .section .entry, "ax"
        .globl  start, bench_kernel, bench_turns
start:  jmp     1f
        .balign 8
        .ascii  "TRBENCH2"
bench_kernel:
        .fill   24, 1, 0
bench_turns:
        .long   0
1:      cli
        cld
        mov     $stack_top, %esp
        mov     $bss_begin, %edi
        mov     $bss_end, %ecx
        sub     %edi, %ecx
        xor     %eax, %eax
        rep stosb
        fninit
        call    bench_main

        .text
/* A call of ring 3 with a count in ECX, back by INT 81H: uint32_t in_ring_3(void (*code)(), uint32_t turns). */
        .globl  in_ring_3
in_ring_3:
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     %esp, kernel_esp
        mov     20(%esp), %eax
        mov     24(%esp), %ecx
        push    $0x23
        push    $ring_3_stack_top
        push    $2
        push    $0x1b
        push    %eax
        mov     $0x23, %eax
        mov     %eax, %ds
        mov     %eax, %es
        iret
        .globl  leave_ring_3
leave_ring_3:
        mov     $0x10, %ebx
        mov     %ebx, %ds
        mov     %ebx, %es
        mov     kernel_esp, %esp
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret

/* INT 80H and back. */
        .globl  int_loop, int_handler
int_loop:
        xor     %eax, %eax
1:      int     $0x80
        dec     %ecx
        jnz     1b
        int     $0x81
int_handler:
        inc     %eax
        iret

/* SYSENTER and back; the turns are in EBX, as SYSEXIT needs ECX and EDX. */
        .globl  sysenter_loop, sysenter_handler
sysenter_loop:
        mov     %ecx, %ebx
        xor     %eax, %eax
1:      mov     $2f, %edx
        mov     %esp, %ecx
        sysenter
2:      dec     %ebx
        jnz     1b
        int     $0x81
sysenter_handler:
        inc     %eax
        sysexit

/* Touches a page that is not there; #PF maps it, the loop takes it away again: page_fault_loop(turns). */
        .globl  page_fault_loop, page_fault_handler
page_fault_loop:
        mov     4(%esp), %ecx
        xor     %eax, %eax
1:      mov     lazy_page, %edx
        add     (%edx), %eax
        mov     lazy_entry, %edx
        movl    $0, (%edx)
        mov     lazy_page, %edx
        invlpg  (%edx)
        dec     %ecx
        jnz     1b
        ret
page_fault_handler:
        push    %edx
        push    %eax
        mov     lazy_entry, %edx
        mov     lazy_value, %eax
        mov     %eax, (%edx)
        pop     %eax
        pop     %edx
        add     $4, %esp
        iret

/* Something went wrong: the driver sees that no checksum comes. */
        .globl  dead_end
dead_end:
        hlt
        jmp     dead_end

        .bss
        .balign 16
kernel_esp:
        .skip   4
        .balign 4096
        .skip   16384
        .globl  stack_top, ring_3_stack_top
stack_top:
        .skip   4096
ring_3_stack_top:
        .skip   4096

        .section .note.GNU-stack, "", @progbits
