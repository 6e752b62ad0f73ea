# Puts a file into a library as bytes, at build time.
#
# visor_embed(<target> <file> <function>): makes `std::string_view <function>()`, declared nowhere but where it is wanted,
# in the namespace that VISOR_EMBED_NAMESPACE names.
function(visor_embed target file function)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${function}.cc)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -D file=${CMAKE_CURRENT_SOURCE_DIR}/${file} -D source=${source} -D function=${function}
            -D namespace=${VISOR_EMBED_NAMESPACE} -P ${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake
    COMMENT "Embedding ${file}"
    VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()
