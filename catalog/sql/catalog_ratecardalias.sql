-- One alias names one card at a time: rate_card_alias_names_one_card. Without contrib extensions GiST knows no text, but
-- it knows ranges of it.
CREATE TYPE catalog_text_range AS RANGE (subtype = text, collation = "C");
ALTER TABLE catalog_ratecardalias ADD CONSTRAINT rate_card_alias_names_one_card EXCLUDE USING gist (
    catalog_text_range(name, name, '[]') WITH &&,
    tstzrange(starting_at, ending_before) WITH &&
);
