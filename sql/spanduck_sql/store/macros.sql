-- Functions of the store, made anew whenever it is opened.

-- The filterable text of a span's events: a JSON array of their attributes. An event's attributes
-- arrive as an object or, encoded twice, as the text of one; either gives the object's text.
CREATE OR REPLACE MACRO event_attributes(events) AS
    CASE WHEN len(events) > 0 THEN
        '[' || array_to_string(
            list_transform(
                events,
                lambda event: CASE
                    WHEN json_valid(event)
                    THEN coalesce(json_extract_string(event, '$.attributes'), '{}')
                    ELSE '{}'
                END
            ),
            ','
        ) || ']'
    END;

-- Events that came as one JSON text instead of a list of texts.
CREATE OR REPLACE MACRO event_list(document) AS
    CASE
        WHEN document IS NULL THEN NULL
        WHEN document = '' THEN CAST([] AS VARCHAR[])
        ELSE coalesce(TRY_CAST(TRY_CAST(document AS JSON) AS VARCHAR[]), [document])
    END;

-- Events that came as a list of structs.
CREATE OR REPLACE MACRO event_texts(structs) AS
    list_transform(structs, lambda event: CAST(to_json(event) AS VARCHAR));

CREATE OR REPLACE MACRO is_json_text(document) AS coalesce(json_valid(document), TRUE);

CREATE OR REPLACE MACRO is_json_list(documents) AS
    coalesce(list_bool_and(list_transform(documents, lambda document: json_valid(document))), TRUE);

-- The time of an annotation: milliseconds since 1970, or nanoseconds where there are too many.
CREATE OR REPLACE MACRO annotation_time(stamp) AS
    make_timestamp(
        CASE
            WHEN stamp >= 100000000000000000 THEN CAST(stamp AS BIGINT) // 1000
            ELSE CAST(stamp AS BIGINT) * 1000
        END
    );

CREATE OR REPLACE MACRO without_nan(number) AS
    CASE WHEN isnan(number) THEN NULL ELSE number END;

CREATE OR REPLACE MACRO note_list(note) AS
    CASE WHEN note IS NOT NULL THEN [note] END;

-- Whether a text is a JSON object. A BOM or other white space than JSON's own makes it none.
CREATE OR REPLACE MACRO is_json_object(document) AS
    coalesce(json_valid(document) AND starts_with(ltrim(document, E' \t\r\n'), '{'), FALSE);

-- What a value of a metadata patch is stored as: a boolean is the text of one, an object or a list
-- its JSON text, a number that JSON does not have (nan, -Infinity, in any letter case) is null.
CREATE OR REPLACE MACRO metadata_value(value, null_text) AS
    CASE
        -- Nothing else that the reader takes begins so: null is such a word, too.
        WHEN regexp_matches(value, '^-?[nNiI]') THEN null_text
        WHEN value = 'true' THEN '"True"'
        WHEN value = 'false' THEN '"False"'
        WHEN starts_with(value, '{') OR starts_with(value, '[')
        THEN CAST(to_json(CAST(value AS VARCHAR)) AS VARCHAR)
        ELSE CAST(value AS VARCHAR)
    END;

-- A metadata patch as an object of texts and numbers.
CREATE OR REPLACE MACRO metadata_patch(document, null_text) AS
    '{' || array_to_string(
        list_transform(
            -- A third of the time of a cast to a map.
            list_zip(json_keys(document), json_extract(document, '$.*')),
            lambda entry: CAST(to_json(entry[1]) AS VARCHAR)
                || ':' || metadata_value(entry[2], null_text)
        ),
        ','
    ) || '}';

CREATE OR REPLACE MACRO has_repeated_key(document) AS
    len(json_keys(document)) <> len(list_distinct(json_keys(document)));

-- Whether a metadata patch may hold anything but texts and numbers. Cheap rather than exact: it is
-- true of many that do not.
CREATE OR REPLACE MACRO is_special_patch(document) AS
    regexp_matches(document, '(?s)\[|.\{|true|false|null|(?i:nan|inf)');
