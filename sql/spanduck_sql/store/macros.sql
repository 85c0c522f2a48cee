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
