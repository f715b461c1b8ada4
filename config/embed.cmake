# SPDX-License-Identifier: MIT
# writ_data: config/*.json as C strings (see include/writfs/data.h). xxd and ld -b are not
# everywhere, CMake is.
set(embed_c ${CMAKE_BINARY_DIR}/data.c)
file(GLOB embed_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/config/labels.json
  ${CMAKE_SOURCE_DIR}/config/policy.json)
set(embed_text "#include <writfs/data.h>\n")
set(embed_rows "")
foreach(file ${embed_files})
  get_filename_component(stem ${file} NAME)
  string(MAKE_C_IDENTIFIER ${stem} ident)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND embed_text "static const unsigned char ${ident}[] = {${hex}0};\n")
  string(APPEND embed_rows "\t{\"${stem}\", (const char *)${ident}, sizeof ${ident} - 1},\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endforeach()
string(APPEND embed_text "const struct data_file data_files[] = {\n${embed_rows}\t{0, 0, 0},\n};\n")
file(WRITE ${embed_c}.new "${embed_text}")
execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different ${embed_c}.new ${embed_c})
add_library(writ_data STATIC ${embed_c})
target_link_libraries(writ_data PUBLIC writ_flags)
