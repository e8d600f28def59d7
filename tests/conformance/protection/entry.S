/* Where a test image begins, how it enters the state under test, and how it comes back.

   Loaded at 1 MiB either by the boot sector of the demonstration guest (which jumps to the first byte) or by Multiboot. */

        .section .entry, "ax"
        .globl  start
start:  jmp     1f
        .balign 4
        .long   0x1badb002, 0, -0x1badb002
1:      cli
        cld
        mov     $harness_stack_top, %esp
        mov     $bss_begin, %edi
        mov     $bss_end, %ecx
        sub     %edi, %ecx
        xor     %eax, %eax
        rep stosb
        fninit
        call    conformance_main

/* Offsets in struct Registers. */
        .set    EAX, 0
        .set    EBX, 4
        .set    ECX, 8
        .set    EDX, 12
        .set    ESI, 16
        .set    EDI, 20
        .set    EBP, 24
        .set    ESP, 28
        .set    EIP, 32
        .set    EFLAGS, 36
        .set    CS, 40
        .set    SS, 44
        .set    DS, 48
        .set    ES, 52
        .set    FS, 56
        .set    GS, 60
        .set    VM, 0x20000

/* void harness_enter(): goes to the state in harness_from; returns when a trap arrives. Values are read through CS, which
   stays flat when the data segments are already the test's. */
        .text
        .globl  harness_enter
harness_enter:
        pusha
        mov     %esp, saved_esp
        testl   $VM, harness_from + EFLAGS
        jnz     to_v86
        testl   $3, harness_from + CS
        jz      to_ring_0
        pushl   harness_from + SS
        pushl   harness_from + ESP
frame:  pushl   harness_from + EFLAGS
        pushl   harness_from + CS
        pushl   harness_from + EIP
        mov     harness_from + ES, %es
        mov     harness_from + FS, %fs
        mov     harness_from + GS, %gs
        mov     harness_from + DS, %ds
general:
        mov     %cs:harness_from + EAX, %eax
        mov     %cs:harness_from + EBX, %ebx
        mov     %cs:harness_from + ECX, %ecx
        mov     %cs:harness_from + EDX, %edx
        mov     %cs:harness_from + ESI, %esi
        mov     %cs:harness_from + EDI, %edi
        mov     %cs:harness_from + EBP, %ebp
        iret

to_ring_0:
        mov     harness_from + SS, %ss
        mov     harness_from + ESP, %esp
        jmp     frame

to_v86: pushl   harness_from + GS
        pushl   harness_from + FS
        pushl   harness_from + DS
        pushl   harness_from + ES
        pushl   harness_from + SS
        pushl   harness_from + ESP
        pushl   harness_from + EFLAGS
        pushl   harness_from + CS
        pushl   harness_from + EIP
        jmp     general

/* Where every vector arrives: keeps the registers, goes back to the caller of harness_enter. Nothing is said about the
   stack but that it can take two words. */
common: push    %ds
        push    %eax
        mov     $0x10, %eax
        mov     %eax, %ds
        pop     now + EAX
        popw    now + DS
        lea     2(%esp), %esp                   /* a 32-bit push of DS leaves two bytes; LEA keeps the flags */
        pop     vector
        mov     %esp, sp
        pushf
        pop     now + EFLAGS
        mov     %ebx, now + EBX
        mov     %ecx, now + ECX
        mov     %edx, now + EDX
        mov     %esi, now + ESI
        mov     %edi, now + EDI
        mov     %ebp, now + EBP
        mov     %esp, now + ESP
        mov     %es, now + ES
        mov     %fs, now + FS
        mov     %gs, now + GS
        mov     %ss, now + SS
        mov     %cs, now + CS
        str     tr
        ljmp    $8, $1f                         /* the handler's CS may have had a base */
1:      mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        mov     saved_esp, %esp
        push    $2
        popf
        popa
        ret

        .macro  entry vector
entry_\vector:
        push    $\vector
        jmp     common
        .section .rodata
        .long   entry_\vector
        .text
        .endm

        .section .rodata
        .globl  harness_entries
        .balign 4
harness_entries:
        .text
        .altmacro
        .set    i, 0
        .rept   256
        entry   %i
        .set    i, i + 1
        .endr

        .bss
        .balign 16
        .globl  harness_from, harness_record
harness_from:
        .skip   64
harness_record:
vector: .skip   4
sp:     .skip   4
now:    .skip   64
tr:     .skip   4
saved_esp:
        .skip   4
        .balign 16
        .skip   16384
harness_stack_top:

        .section .note.GNU-stack, "", @progbits
