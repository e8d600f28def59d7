/* The boot sector of the probe, and what it asks in real mode. Answers go to the tables behind `answers`; C++ judges.

   The whole image, 64 sectors, is linked at 7C00 and read there; then the questions; then protected mode and probe_main. */

        .set    SECTORS, 64
        .set    MAP_SIZE, 512                   /* bytes for each of the memory maps */

        .code16
        .section .boot, "ax"
        .globl  boot
boot:   ljmp    $0, $1f
1:      xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp
        mov     $packet, %si
        mov     $0x42, %ah                      /* extended read; DL is the drive */
        int     $0x13
        jc      2f
        jmp     questions
2:      hlt
        jmp     2b

        .balign 4
packet: .byte   16, 0
        .word   SECTORS - 1
        .word   0x7e00, 0
        .quad   1
        .org    510
        .word   0xaa55

/* The memory map to ES:DI, by whatever CALLER does; ends with a length of 0. */
        .macro  read_map table, caller
        mov     $\table, %di
        xor     %ebx, %ebx
1:      mov     $0xe820, %eax
        mov     $20, %ecx
        mov     $0x534d4150, %edx
        call    \caller
        jc      2f
        add     $20, %di
        test    %ebx, %ebx
        jnz     1b
2:
        .endm

        .text
by_INT: int     $0x15
        ret

/* As a handler that stands in front of the BIOS's goes on: FLAGS on the stack, a far call. */
by_far_call:
        pushf
        lcall   *old_vector
        ret

our_handler:
        incw    handler_calls
        ljmp    *old_vector

        .macro  note_flags place
        pushf
        popw    \place
        .endm

questions:
        mov     0x15 * 4, %eax
        mov     %eax, old_vector
        sti
        read_map map_by_INT, by_INT
        note_flags flags_with_IF
        cli
        read_map map_by_far_call, by_far_call
        note_flags flags_without_IF
        sti
        movw    $our_handler, 0x15 * 4
        movw    $0, 0x15 * 4 + 2
        read_map map_by_chain, by_INT
        mov     old_vector, %eax
        mov     %eax, 0x15 * 4

        mov     $0xe801, %ax
        int     $0x15
        mov     %ax, size_low
        mov     %bx, size_high
        mov     $0x88, %ah
        int     $0x15
        mov     %ax, size_88

        mov     $0xc0, %ah                      /* the BIOS's own: the configuration table's address */
        int     $0x15
        mov     %bx, configuration
        mov     %es, configuration + 2
        xor     %ax, %ax
        mov     %ax, %es
        mov     $0xc0, %ah
        call    by_far_call
        mov     %bx, configuration_by_far_call
        mov     %es, configuration_by_far_call + 2
        xor     %ax, %ax
        mov     %ax, %es

        in      $0x92, %al                      /* a watched port, and the string instruction on it */
        mov     %al, port_92
        mov     $0x92, %dx
        mov     $port_92_by_string, %di
        cld
        mov     $2, %cx
        rep insb
        mov     $port_92, %si
        outsb
        mov     $0xffff, %eax
        smsw    %eax
        mov     %eax, machine_status
        smsw    machine_status_in_memory

        cli
        lgdt    gdt_register
        mov     %cr0, %eax
        or      $1, %eax
        mov     %eax, %cr0
        ljmp    $8, $3f

        .code32
3:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        mov     $0x7c00, %esp
        call    probe_main
4:      hlt
        jmp     4b

        .data
        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
        .word   . - gdt - 1
        .long   gdt
old_vector:
        .long   0
        .globl  map_by_INT, map_by_far_call, map_by_chain, flags_with_IF, flags_without_IF, handler_calls, size_low
        .globl  size_high, size_88, configuration, configuration_by_far_call, port_92, port_92_by_string, machine_status
        .globl  machine_status_in_memory
map_by_INT:
        .skip   MAP_SIZE
map_by_far_call:
        .skip   MAP_SIZE
map_by_chain:
        .skip   MAP_SIZE
configuration:
        .long   0
configuration_by_far_call:
        .long   ~0
machine_status:
        .long   0
machine_status_in_memory:
        .word   0
flags_with_IF:
        .word   0
flags_without_IF:
        .word   0
handler_calls:
        .word   0
size_low:
        .word   0
size_high:
        .word   0
size_88:
        .word   0
port_92:
        .byte   0
port_92_by_string:
        .byte   0, 0

        .section .note.GNU-stack, "", @progbits
